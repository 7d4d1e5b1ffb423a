import { CompletionContext } from '@codemirror/autocomplete';
import { EditorState, Text } from '@codemirror/state';
import { describe, expect, test, vi } from 'vitest';
import type { Mark } from './editor';
import { diagnostics, explain, offered } from './parts';
import { difference, edited, fitting, lineStart, linesOf } from './text';

const words = { required: 'required', deprecated: 'deprecated', oneOf: 'One of:' };

describe('places in a text', () => {
  test('edits are of the text as it was, in whatever order they come', () => {
    expect(edited('abc', [{ from: 2, to: 3, insert: 'Z' }, { from: 0, to: 1, insert: 'XY' }])).toBe('XYbZ');
    expect(edited('abc', [{ from: 3, to: 3, insert: '!' }])).toBe('abc!');
  });

  test('edits that cannot be made are left out', () => {
    expect(fitting([{ from: 0, to: 2, insert: '' }, { from: 1, to: 3, insert: '' }, { from: 9, to: 10, insert: '' }], 5)).toEqual([{ from: 0, to: 2, insert: '' }]);
  });

  test('lines count from one, and end where the text does', () => {
    expect(lineStart('a\nb\n', 2)).toBe(2);
    expect(lineStart('a\nb', 9)).toBe(3);
    expect(linesOf('a\nb\nc\nd', 2, 3)).toBe('b\nc\n');
    expect(linesOf('a\nb', 2, 9)).toBe('b');
  });

  test('a difference is the smallest edit of one piece', () => {
    expect(difference('a: 1  \nb: 2\n', 'a: 1\nb: 2\n')).toEqual({ from: 4, to: 6, insert: '' });
    expect(difference('aa', 'aaa')).toEqual({ from: 2, to: 2, insert: 'a' });
    expect(difference('x', 'x')).toBeNull();
  });
});

describe('what the editor shows', () => {
  const doc = Text.of(['a: 1', '  b: 👍 x', 'c']);
  const mark = (change: Partial<Mark>): Mark => ({ line: 1, column: 1, endLine: 1, endColumn: 2, severity: 'error', message: 'm', rule: 'r', fix: null, ...change });

  test('marks stand where they belong, in UTF-16 units, and never behind the end', () => {
    const made = diagnostics(doc, [mark({ line: 2, column: 9, endLine: 2, endColumn: 10 }), mark({ line: 99, column: 1, endLine: 99, endColumn: 5 }), mark({ line: 1, column: 1, endLine: 1, endColumn: 99 })]);
    expect(made.map(({ from, to }) => [from, to])).toEqual([[0, 4], [13, 14], [16, 16]]);
    expect(doc.sliceString(13, 14)).toBe('x');
  });

  test('a fix is an action of its mark', () => {
    const run = vi.fn();
    const [made] = diagnostics(doc, [mark({ fix: { label: 'Change to replicas', run } })]);
    expect(made!.actions!.map((action) => action.name)).toEqual(['Change to replicas']);
    made!.actions![0]!.apply({} as never, 0, 0);
    expect(run).toHaveBeenCalledOnce();
  });

  test('documentation is text, whatever it holds', () => {
    const box = explain({ path: 'spec', type: 'object', required: true, about: '<img src=x onerror=alert(1)>\u202E', allowed: ['a', 'b'], from: 0, to: 1 }, words);
    expect(box.querySelector('img')).toBeNull();
    expect(box.textContent).toContain('<img src=x onerror=alert(1)>\\u{202e}');
    expect(box.textContent).toContain('One of: a, b');
    expect(box.textContent).toContain('required');
  });

  const context = (text: string, explicit: boolean) => new CompletionContext(EditorState.create({ doc: text }), text.length, explicit);
  const item = (label: string, change = {}) => ({ label, insert: `${label}: `, kind: 'key', type: 'integer', required: false, about: '', deprecated: false, ...change });

  test('offers come with letters or when they are asked for, not in comments', async () => {
    const complete = vi.fn(async () => ({ from: 2, to: 5, items: [item('replicas')] }));
    expect(await offered(context('# sel', false), complete, words)).toBeNull();
    expect(await offered(context('  ', false), complete, words)).toBeNull();
    expect(complete).not.toHaveBeenCalled();
    const found = (await offered(context('  rep', false), complete, words))!;
    expect(complete).toHaveBeenCalledWith({ text: '  rep', line: 1, column: 6 }, expect.anything());
    expect(found).toMatchObject({ from: 2, to: 5 });
    expect(found.options[0]).toMatchObject({ label: 'replicas', apply: 'replicas: ', detail: 'integer' });
    await offered(context('  ', true), complete, words);
    expect(complete).toHaveBeenCalledTimes(2);
  });

  test('what is required stands before the rest, and a snippet has places to fill in', async () => {
    const found = (await offered(context('a', true), async () => ({ from: 0, to: 1, items: [item('a'), item('b', { required: true }), item('c', { insert: 'c: ${value}' })] }), words))!;
    const [a, b, c] = found.options;
    expect(b!.boost!).toBeGreaterThan(a!.boost!);
    expect(b!.detail).toContain('required');
    expect(typeof c!.apply).toBe('function');
  });

  test('an answer that fails offers nothing', async () => {
    expect(await offered(context('a', true), () => Promise.reject(new Error('gone')), words)).toBeNull();
  });
});
