import { MantineProvider } from '@mantine/core';
import { fireEvent, render, screen } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { useState } from 'react';
import { describe, expect, test, vi } from 'vitest';
import { editor } from '../../../test/window';
import type { Json, JsonMap } from '../lib/words';
import { SchemaForm } from './SchemaForm';
import { beginning, shapeOf } from './shape';
import { issuesOf, type Schema } from './validate';

function Host({ schema, initial = {}, tell }: { schema: Schema; initial?: JsonMap; tell?: (value: JsonMap) => void }) {
  const [value, setValue] = useState(initial);
  return (
    <MantineProvider env="test">
      <SchemaForm
        schema={schema}
        value={value}
        onChange={(next) => {
          setValue(next);
          tell?.(next);
        }}
        issues={issuesOf(schema, value)}
      />
    </MantineProvider>
  );
}

const object = (properties: Record<string, Json>, rest: Record<string, Json> = {}): Json => ({ type: 'object', properties, ...rest });

const draw = (schema: Schema, initial?: JsonMap) => {
  const told = vi.fn<(value: JsonMap) => void>();
  render(<Host schema={schema} initial={initial} tell={told} />);
  return { told, last: () => told.mock.lastCall?.[0], user: userEvent.setup({ delay: null, pointerEventsCheck: 0 }) };
};

describe('every shape that tools use has its kind', () => {
  test.each<[string, Schema, string]>([
    ['string', { type: 'string' }, 'text'],
    ['string without a type but with a format', { format: 'uri' }, 'text'],
    ['integer', { type: 'integer' }, 'number'],
    ['boolean', { type: 'boolean' }, 'boolean'],
    ['enum', { enum: ['a', 'b'] }, 'enum'],
    ['enum with null', { enum: ['a', null] }, 'enum'],
    ['oneOf of constants', { oneOf: [{ const: 1, title: 'One' }, { const: 2 }] }, 'enum'],
    ['nullable by type list', { type: ['string', 'null'] }, 'text'],
    ['nullable by anyOf', { anyOf: [{ type: 'integer' }, { type: 'null' }] }, 'number'],
    ['nullable of OpenAPI', { type: 'string', nullable: true }, 'text'],
    ['two types', { type: ['string', 'integer'] }, 'choice'],
    ['oneOf of objects', { oneOf: [object({ a: { type: 'string' } }), object({ b: { type: 'string' } })] }, 'choice'],
    ['list of texts', { type: 'array', items: { type: 'string' } }, 'list'],
    ['list of choices', { type: 'array', items: { enum: ['a'] } }, 'many'],
    ['list of objects', { type: 'array', items: object({ a: { type: 'string' } }) }, 'list'],
    ['list of anything', { type: 'array' }, 'json'],
    ['tuple', { type: 'array', prefixItems: [{ type: 'integer' }] }, 'tuple'],
    ['object', object({ a: { type: 'string' } }), 'object'],
    ['object without properties', { type: 'object' }, 'object'],
    ['map', { type: 'object', additionalProperties: { type: 'string' } }, 'map'],
    ['constant', { const: 'x' }, 'const'],
    ['null', { type: 'null' }, 'null'],
    ['true', true, 'json'],
    ['empty', {}, 'json'],
    ['false', false, 'never'],
    ['not a schema', 'hello', 'json'],
    ['a reference to nowhere', { $ref: '#/$defs/none' }, 'json'],
    ['a remote reference', { $ref: 'http://169.254.169.254/x' }, 'json'],
    ['a reference to itself', { $ref: '#' }, 'json'],
  ])('%s', (_, schema, kind) => expect(shapeOf(schema, schema).kind).toBe(kind));

  test('references and allOf are merged with what stands beside them', () => {
    const root: Json = { $defs: { Name: { type: 'string', minLength: 2 } }, properties: {} };
    expect(shapeOf({ $ref: '#/$defs/Name', title: 'Name' }, root)).toMatchObject({ kind: 'text', title: 'Name' });
    const both = shapeOf({ allOf: [object({ a: { type: 'string' } }, { required: ['a'] }), object({ b: { type: 'string' } })] }, root);
    expect(both.kind === 'object' && both.fields.map((field) => [field.name, field.required])).toEqual([['a', true], ['b', false]]);
  });

  test('a schema that contains itself begins finite', () => {
    const tree: Json = { $ref: '#/$defs/Node', $defs: { Node: { type: 'object', required: ['next'], properties: { next: { $ref: '#/$defs/Node' } } } } };
    expect(JSON.stringify(beginning(tree, tree)).length).toBeLessThan(500);
  });
});

describe('the form', () => {
  test('leaves out what is left empty, and keeps types', async () => {
    const { last, user } = draw(object({ name: { type: 'string' }, count: { type: 'integer' } }));
    await user.type(screen.getByLabelText(/name/), 'abc');
    await user.type(screen.getByLabelText(/count/), '12');
    expect(last()).toEqual({ name: 'abc', count: 12 });
    await user.clear(screen.getByLabelText(/name/));
    expect(last()).toEqual({ count: 12 });
  });

  test('a number that cannot be held exactly is not rounded in silence', async () => {
    const { last, user } = draw(object({ id: { type: 'integer' } }));
    await user.type(screen.getByLabelText(/id/), '9007199254740993');
    expect(last()).toEqual({ id: '9007199254740993' });
    expect(screen.getByRole('alert').textContent).toContain('whole number');
  });

  test('yes, no and not set are three things', async () => {
    const { last, user } = draw(object({ force: { type: 'boolean' } }));
    await user.click(screen.getByLabelText('No'));
    expect(last()).toEqual({ force: false });
    await user.click(screen.getByLabelText('Not set'));
    expect(last()).toEqual({});
  });

  test('a list grows with Enter, takes pasted lines, and shrinks', async () => {
    const { last, user } = draw(object({ args: { type: 'array', items: { type: 'string' } } }), { args: ['one'] });
    const first = screen.getByLabelText('args, item 1');
    await user.type(first, '{Enter}');
    expect(last()).toEqual({ args: ['one', ''] });
    fireEvent.paste(screen.getByLabelText('args, item 2'), { clipboardData: { getData: () => 'two\nthree' } });
    expect(last()).toEqual({ args: ['one', 'two', 'three'] });
    await user.click(screen.getByLabelText('Remove 1'));
    expect(last()).toEqual({ args: ['two', 'three'] });
  });

  test('a list of objects has a form for each', async () => {
    const { last, user } = draw(object({ owners: { type: 'array', items: object({ name: { type: 'string' } }, { required: ['name'] }) } }));
    await user.click(screen.getByLabelText('Add to owners'));
    await user.type(screen.getByLabelText(/^name/), 'mira');
    expect(last()).toEqual({ owners: [{ name: 'mira' }] });
  });

  test('a map keeps two names apart while they are typed', async () => {
    const { last, user } = draw(object({ headers: { type: 'object', additionalProperties: { type: 'string' } } }));
    await user.click(screen.getByLabelText('Add to headers'));
    await user.type(screen.getByLabelText('headers, name 1'), 'X-Id');
    await user.type(screen.getByLabelText('Value of X-Id'), '7');
    expect(last()).toEqual({ headers: { 'X-Id': '7' } });
  });

  test('a choice shows the fields of the branch that was taken', async () => {
    const schema = object({ target: { oneOf: [object({ name: { type: 'string' } }, { title: 'By name', required: ['name'] }), object({ label: { type: 'string' } }, { title: 'By label', required: ['label'] })] } });
    draw(schema, { target: { label: 'app=x' } });
    expect(document.querySelector<HTMLInputElement>('[data-field="label"] input')!.value).toBe('app=x');
    expect(document.querySelector('[data-field="name"]')).toBeNull();
  });

  test('a secret is a password box, and its mask stays as it is', () => {
    const { told } = draw(object({ token: { type: 'string', format: 'secret' } }), { token: '•••' });
    const box = screen.getByLabelText(/token/) as HTMLInputElement;
    expect(box.type).toBe('password');
    expect(screen.getByText(/Kept as it is/)).toBeTruthy();
    expect(told).not.toHaveBeenCalled();
  });

  test('ten thousand choices do not become ten thousand elements', async () => {
    const { user } = draw(object({ zone: { enum: Array.from({ length: 10_000 }, (_, index) => `zone-${index}`) } }));
    await user.click(screen.getByLabelText(/zone/));
    expect(document.querySelectorAll('[role="option"]').length).toBeLessThanOrEqual(100);
  });

  test('a value of another kind than the schema’s is shown, not lost', async () => {
    draw(object({ port: { type: 'integer' }, tags: { type: 'array', items: { type: 'string' } } }), { port: '${PORT}', tags: 'not a list' });
    expect((screen.getByLabelText(/port/) as HTMLInputElement).value).toBe('${PORT}');
    expect(await screen.findByDisplayValue('"not a list"')).toBeTruthy();
  });

  test('a tool without arguments says so', () => {
    draw({ type: 'object' });
    expect(screen.getByText('Nothing to fill in.')).toBeTruthy();
  });

  const monsters: [string, Schema][] = [
    ['nothing', null],
    ['a number', 7],
    ['false', false],
    ['properties that are no schemas', object({ a: 'x', b: 3, c: null, d: [] })],
    ['an enum of objects', object({ a: { enum: [{ x: 1 }, [2], null, '', 1, '1'] } })],
    ['an empty enum', object({ a: { enum: [] } })],
    ['an empty oneOf', object({ a: { oneOf: [] } })],
    ['a broken pattern', object({ a: { type: 'string', pattern: '([' } })],
    ['a pattern that explodes', object({ a: { type: 'string', pattern: '^(a+)+$' } })],
    ['recursion', { $ref: '#/$defs/N', $defs: { N: object({ n: { $ref: '#/$defs/N' } }, { required: ['n'] }) } }],
    ['names like __proto__', JSON.parse('{"type":"object","properties":{"__proto__":{"type":"string"},"constructor":{"type":"string"},"toString":{"type":"integer"}}}') as Json],
    ['a very deep nest', Array.from({ length: 40 }).reduce<Json>((inner) => object({ deep: inner }, { required: ['deep'] }), { type: 'string' })],
    ['words with angle brackets', object({ '<img src=x onerror=alert(1)>': { type: 'string', title: '<b>bold</b>', description: '<script>alert(1)</script>' } })],
    ['two hundred and one fields', object(Object.fromEntries(Array.from({ length: 201 }, (_, index) => [`f${index}`, { type: 'string' }])))],
    ['if, then, else', object({ a: { type: 'string' } }, { if: { required: ['a'] }, then: { required: ['b'] }, else: false })],
  ];
  test.each(monsters)('draws or falls back to JSON: %s', (_, schema) => {
    const quiet = vi.spyOn(console, 'error').mockImplementation(() => undefined);
    const { container } = render(<Host schema={schema} />);
    expect(container.querySelector('.ph-form')!.textContent).not.toBeNull();
    expect(container.querySelectorAll('.ph-form script, .ph-form img, .ph-form b')).toHaveLength(0);
    quiet.mockRestore();
  });
});

describe('validation', () => {
  const at = (schema: Schema, value: Json) => issuesOf(schema, value).map((issue) => `${issue.path.join('.')}: ${issue.message}`);

  test('names the place and the reason', () => {
    const schema = object({ name: { type: 'string', minLength: 3 }, count: { type: 'integer', maximum: 5 }, when: { format: 'date-time', type: 'string' } }, { required: ['name', 'who'] });
    expect(at(schema, { name: 'ab', count: 9, when: 'soon' })).toEqual(
      expect.arrayContaining(['who: Is needed.', 'name: Needs at least 3 characters.', 'count: Must be at most 5.', 'when: Is not a valid date-time.']),
    );
  });

  test('of a choice only the branch that was meant speaks', () => {
    const schema = object({ size: { anyOf: [{ type: 'integer', minimum: 1 }, { type: 'null' }] } });
    expect(at(schema, { size: 0 })).toEqual(['size: Must be at least 1.']);
    expect(at(schema, { size: 'x' })).toEqual(['size: Fits none of the possible kinds.']);
  });

  test('an unknown name is said where it stands', () => {
    expect(at(object({}, { additionalProperties: false }), { extra: 1 })).toEqual(['extra: Is not known here.']);
  });

  test('two branches that both fit are said to be two', () => {
    expect(at({ oneOf: [{ type: 'string' }, { minLength: 1 }] }, 'abc')).toEqual([': Fits more than one kind; exactly one must fit.']);
  });

  test('a pattern that takes for ever is left to the core', () => {
    const before = performance.now();
    expect(issuesOf({ type: 'string', pattern: '^(a+)+$' }, `${'a'.repeat(40)}!`)).toEqual([]);
    expect(performance.now() - before).toBeLessThan(2000);
  });

  test('a schema that cannot be read hides nothing else', () => {
    expect(issuesOf({ $ref: 'http://169.254.169.254/' }, {})).toEqual([]);
    expect(issuesOf(false, 1)).toHaveLength(1);
    expect(issuesOf(true, 1)).toEqual([]);
  });

  test('works where eval is forbidden', () => {
    const made = vi.fn();
    const real = globalThis.Function;
    vi.stubGlobal('Function', function forbidden() {
      made();
      throw new Error('CSP');
    });
    const found = issuesOf(object({ a: { type: 'string', pattern: '^x' } }, { required: ['b'] }), { a: 'y' });
    vi.stubGlobal('Function', real);
    expect(found).toHaveLength(2);
    expect(made).not.toHaveBeenCalled();
  });
});

test('a JSON box keeps what does not parse yet, and says so', async () => {
  const told = vi.fn();
  render(<Host schema={object({ free: true })} tell={told} />);
  const box = await editor(document.querySelector<HTMLElement>('[data-field="free"]')!);
  fireEvent.change(box, { target: { value: '{"a":' } });
  expect(screen.getByText('This is not JSON yet')).toBeTruthy();
  expect(box.value).toBe('{"a":');
  fireEvent.change(box, { target: { value: '{"a":1}' } });
  expect(told).toHaveBeenLastCalledWith({ free: { a: 1 } });
});
