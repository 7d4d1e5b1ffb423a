/** What kind of field a schema asks for. Pure; what it cannot tell it calls `json`, which is always possible to fill in. */
import { isMap, type Json, type JsonMap } from '../lib/words';
import type { Schema } from './validate';

export type Option = { value: Json; label: string; about?: string };
export type Branch = { label: string; schema: Schema };

export type Shape = {
  title: string | null;
  about: string | null;
  fallback: Json | undefined;
  example: string | null;
  nullable: boolean;
  deprecated: boolean;
} & (
  | { kind: 'text'; format: string | null; long: boolean; secret: boolean; max: number | null }
  | { kind: 'number'; whole: boolean; min: number | null; max: number | null }
  | { kind: 'boolean' }
  | { kind: 'enum'; options: Option[] }
  | { kind: 'many'; options: Option[] }
  | { kind: 'list'; items: Schema; max: number | null }
  | { kind: 'tuple'; items: Schema[] }
  | { kind: 'object'; fields: Field[]; extra: Schema | null }
  | { kind: 'map'; values: Schema }
  | { kind: 'choice'; branches: Branch[] }
  | { kind: 'const'; value: Json }
  | { kind: 'null' }
  | { kind: 'json' }
  | { kind: 'never' }
);

export type Field = { name: string; schema: Schema; required: boolean };

/** Long by their limit, but one line by nature. */
const LINE_NAMES = /(^|_|-)(path|file|dir|directory|folder|ur[il]|name|id|token)$/i;
const LONG_NAMES = /(^|_|-)(yaml|manifest|content|contents|body|text|script|code|sql|query|prompt|message|patch|template|markdown|html|diff)$/i;

/** Follows local references and merges `allOf`; siblings of a `$ref` count, as in 2020-12. */
export function resolved(schema: Schema, root: Schema, hops = 0): Schema {
  if (!isMap(schema)) return schema;
  if (typeof schema['$ref'] === 'string') {
    const { $ref, ...rest } = schema;
    const target = hops < 32 ? pointed(root, $ref as string) : undefined;
    if (target === undefined) return Object.keys(rest).length > 0 ? resolved(rest, root, hops + 1) : true;
    const found = resolved(target, root, hops + 1);
    return isMap(found) ? resolved({ ...found, ...rest }, root, hops + 1) : found;
  }
  if (Array.isArray(schema['allOf'])) {
    const { allOf, ...rest } = schema;
    let whole: JsonMap = rest;
    for (const part of allOf as Json[]) {
      const found = resolved(part, root, hops + 1);
      if (found === false) return false;
      if (isMap(found)) whole = merged(whole, found);
    }
    return hops < 32 ? resolved(whole, root, hops + 1) : whole;
  }
  return schema;
}

function merged(one: JsonMap, two: JsonMap): JsonMap {
  const whole: JsonMap = { ...two, ...one };
  if (isMap(one['properties']) && isMap(two['properties'])) whole['properties'] = { ...two['properties'], ...one['properties'] };
  const required = [one['required'], two['required']].flatMap((list) => (Array.isArray(list) ? list : []));
  if (required.length > 0) whole['required'] = [...new Set(required)];
  return whole;
}

function pointed(root: Schema, ref: string): Schema | undefined {
  if (!ref.startsWith('#')) return undefined;
  if (ref === '#') return root;
  if (!ref.startsWith('#/')) return anchored(root, ref.slice(1), 0);
  let here: Json | undefined = root;
  for (const raw of ref.slice(2).split('/')) {
    const step = unescaped(raw);
    if (Array.isArray(here)) here = here[Number(step)];
    else if (isMap(here) && Object.prototype.hasOwnProperty.call(here, step)) here = here[step];
    else return undefined;
  }
  return here;
}

function anchored(schema: Json | undefined, name: string, depth: number): Schema | undefined {
  if (depth > 6 || !isMap(schema)) return undefined;
  if (schema['$anchor'] === name) return schema;
  for (const group of ['$defs', 'definitions']) {
    const defs = schema[group];
    if (isMap(defs))
      for (const def of Object.values(defs)) {
        const found = anchored(def, name, depth + 1);
        if (found !== undefined) return found;
      }
  }
  return undefined;
}

function unescaped(part: string): string {
  try {
    return decodeURIComponent(part).replace(/~1/g, '/').replace(/~0/g, '~');
  } catch {
    return part;
  }
}

const text = (value: Json | undefined): string | null => (typeof value === 'string' && value !== '' ? value : null);
const number = (value: Json | undefined): number | null => (typeof value === 'number' ? value : null);

/** The label of a value in a list of choices. */
export const labelOf = (value: Json): string => (typeof value === 'string' ? value : JSON.stringify(value));

/** The kind of field for a schema. `name` helps to tell a line from a text of many lines. */
export function shapeOf(given: Schema, root: Schema, name = ''): Shape {
  const plain = { title: null, about: null, fallback: undefined, example: null, nullable: false, deprecated: false };
  if (given === false) return { ...plain, kind: 'never' };
  const schema = resolved(given, root);
  if (schema === false) return { ...plain, kind: 'never' };
  if (!isMap(schema)) return { ...plain, kind: 'json' };

  const examples = schema['examples'];
  const base = {
    title: text(schema['title']),
    about: text(schema['description']),
    fallback: schema['default'],
    example: Array.isArray(examples) && examples.length > 0 ? labelOf(examples[0]!) : text(schema['example']),
    nullable: schema['nullable'] === true,
    deprecated: schema['deprecated'] === true,
  };

  if ('const' in schema) return { ...base, kind: 'const', value: schema['const']! };

  if (Array.isArray(schema['enum'])) {
    const titles = Array.isArray(schema['enumNames']) ? schema['enumNames'] : [];
    const all = schema['enum'].map((value, index): Option => ({ value, label: text(titles[index]) ?? labelOf(value) }));
    const options = all.filter(({ value }) => value !== null);
    if (options.length === 0) return { ...base, kind: 'null' };
    return { ...base, nullable: base.nullable || options.length < all.length, kind: 'enum', options };
  }

  const union = Array.isArray(schema['anyOf']) ? schema['anyOf'] : Array.isArray(schema['oneOf']) ? schema['oneOf'] : null;
  if (union && union.length > 0) return unionShape(schema, union, root, base, name);

  const types = Array.isArray(schema['type']) ? schema['type'].filter((type): type is string => typeof type === 'string') : null;
  if (types) {
    const real = types.filter((type) => type !== 'null');
    const nullable = base.nullable || real.length < types.length;
    if (real.length === 0) return { ...base, kind: 'null' };
    if (real.length === 1) return { ...shapeOf({ ...schema, type: real[0]! }, root, name), nullable };
    if (real.length === 2 && real.includes('integer') && real.includes('number')) return { ...shapeOf({ ...schema, type: 'number' }, root, name), nullable };
    const { title: _t, description: _d, default: _f, ...rest } = schema;
    return { ...base, nullable, kind: 'choice', branches: real.map((type) => ({ label: type, schema: { ...rest, type } })) };
  }

  switch (typeof schema['type'] === 'string' ? schema['type'] : guessed(schema)) {
    case 'string': {
      const format = text(schema['format']);
      const max = number(schema['maxLength']);
      const secret = format === 'secret' || format === 'password' || schema['writeOnly'] === true;
      const media = text(schema['contentMediaType']);
      const long = !secret && (format === 'textarea' || format === 'multiline' || (media !== null && schema['contentEncoding'] === undefined) || (LONG_NAMES.test(name) && format === null && (max === null || max > 200)) || ((max ?? 0) > 500 && !LINE_NAMES.test(name)));
      return { ...base, kind: 'text', format, long, secret, max };
    }
    case 'integer':
    case 'number':
      return { ...base, kind: 'number', whole: schema['type'] === 'integer', min: number(schema['minimum']), max: number(schema['maximum']) };
    case 'boolean':
      return { ...base, kind: 'boolean' };
    case 'null':
      return { ...base, kind: 'null' };
    case 'array':
      return arrayShape(schema, root, base);
    case 'object':
      return objectShape(schema, root, base);
    default:
      return { ...base, kind: 'json' };
  }
}

type Base = Pick<Shape, 'title' | 'about' | 'fallback' | 'example' | 'nullable' | 'deprecated'>;

function guessed(schema: JsonMap): string | null {
  if (isMap(schema['properties']) || 'additionalProperties' in schema) return 'object';
  if ('items' in schema || 'prefixItems' in schema) return 'array';
  if ('pattern' in schema || 'minLength' in schema || 'maxLength' in schema || 'format' in schema) return 'string';
  if ('minimum' in schema || 'maximum' in schema) return 'number';
  return null;
}

function unionShape(schema: JsonMap, union: Json[], root: Schema, base: Base, name: string): Shape {
  const { anyOf: _a, oneOf: _o, title: _t, description: _d, default: _f, ...common } = schema;
  const parts = union.map((part) => resolved(part, root)).filter((part) => part !== false);
  const real = parts.filter((part) => !(isMap(part) && (part['type'] === 'null' || part['const'] === null)));
  const nullable = base.nullable || real.length < parts.length;
  if (real.length === 0) return { ...base, kind: 'null' };
  if (real.every((part) => isMap(part) && 'const' in part))
    return {
      ...base,
      nullable,
      kind: 'enum',
      options: real.map((part) => {
        const map = part as JsonMap;
        return { value: map['const']!, label: text(map['title']) ?? labelOf(map['const']!), about: text(map['description']) ?? undefined };
      }),
    };
  if (real.every((part) => isMap(part) && Array.isArray(part['enum']))) {
    const options = real.flatMap((part) => ((part as JsonMap)['enum'] as Json[]).map((value) => ({ value, label: labelOf(value) })));
    return { ...base, nullable, kind: 'enum', options };
  }
  const whole = (part: Schema): Schema => (isMap(part) ? merged(part, common) : part);
  if (real.length === 1) {
    const only = shapeOf(whole(real[0]!), root, name);
    return { ...only, title: base.title ?? only.title, about: base.about ?? only.about, fallback: base.fallback ?? only.fallback, nullable: nullable || only.nullable };
  }
  return { ...base, nullable, kind: 'choice', branches: real.map((part, index) => ({ label: branchLabel(part, index), schema: whole(part) })) };
}

function branchLabel(part: Schema, index: number): string {
  if (!isMap(part)) return `#${index + 1}`;
  const title = text(part['title']);
  if (title) return title;
  const properties = part['properties'];
  if (isMap(properties)) {
    // A field with one fixed value is what tells the branches apart.
    for (const [name, field] of Object.entries(properties)) if (isMap(field) && 'const' in field) return `${name}: ${labelOf(field['const']!)}`;
    const required = Array.isArray(part['required']) ? part['required'].filter((name) => typeof name === 'string') : [];
    const names = required.length > 0 ? required : Object.keys(properties);
    if (names.length > 0) return names.slice(0, 3).join(', ');
  }
  const type = text(part['type']);
  if (type === 'array' && isMap(part['items']) && text(part['items']['type'])) return `${text(part['items']['type'])}[]`;
  return type ?? `#${index + 1}`;
}

function arrayShape(schema: JsonMap, root: Schema, base: Base): Shape {
  const tuple = Array.isArray(schema['prefixItems']) ? schema['prefixItems'] : Array.isArray(schema['items']) ? schema['items'] : null;
  if (tuple) return tuple.length <= 20 ? { ...base, kind: 'tuple', items: tuple } : { ...base, kind: 'json' };
  const items = schema['items'];
  if (items === undefined || items === true || (isMap(items) && Object.keys(items).length === 0)) return { ...base, kind: 'json' };
  if (items === false) return { ...base, kind: 'const', value: [] };
  const inner = shapeOf(items as Schema, root);
  if (inner.kind === 'enum') return { ...base, kind: 'many', options: inner.options };
  if (inner.kind === 'json' || inner.kind === 'never') return { ...base, kind: 'json' };
  return { ...base, kind: 'list', items: items as Schema, max: number(schema['maxItems']) };
}

function objectShape(schema: JsonMap, _root: Schema, base: Base): Shape {
  const properties = isMap(schema['properties']) ? schema['properties'] : {};
  const required = new Set(Array.isArray(schema['required']) ? schema['required'] : []);
  const names = Object.keys(properties);
  const extra = schema['additionalProperties'];
  if (names.length === 0) {
    if (isMap(extra) && Object.keys(extra).length > 0) return { ...base, kind: 'map', values: extra };
    if (extra === false) return { ...base, kind: 'object', fields: [], extra: null };
    if (isMap(schema['patternProperties'])) return { ...base, kind: 'json' };
    return { ...base, kind: 'object', fields: [], extra: extra === undefined ? null : true };
  }
  if (names.length > 200) return { ...base, kind: 'json' };
  const fields = names.map((name): Field => ({ name, schema: properties[name]!, required: required.has(name) }));
  // What must be given comes first; otherwise the server's own order.
  fields.sort((a, b) => Number(b.required) - Number(a.required));
  return { ...base, kind: 'object', fields, extra: isMap(extra) && Object.keys(extra).length > 0 ? extra : null };
}

/** A value to begin with: what must be there and is already known. */
export function beginning(schema: Schema, root: Schema, depth = 0): Json | undefined {
  const shape = shapeOf(schema, root);
  if (shape.fallback !== undefined) return structuredClone(shape.fallback);
  switch (shape.kind) {
    case 'const':
      return shape.value;
    case 'null':
      return null;
    case 'boolean':
      return false;
    case 'list':
    case 'many':
      return [];
    case 'tuple':
      return depth > 6 ? undefined : shape.items.map((item) => beginning(item, root, depth + 1) ?? null);
    case 'map':
      return {};
    case 'object': {
      const value: JsonMap = {};
      if (depth > 6) return value;
      for (const field of shape.fields) {
        if (!field.required) continue;
        const inner = beginning(field.schema, root, depth + 1);
        if (inner !== undefined) value[field.name] = inner;
      }
      return value;
    }
    case 'choice':
      return depth > 6 ? undefined : beginning(shape.branches[0]!.schema, root, depth + 1);
    default:
      return undefined;
  }
}

/** Whether a value could be of this kind, judged by its outside only. */
export function couldBe(value: Json | undefined, shape: Shape): boolean {
  if (value === undefined) return false;
  if (value === null) return shape.nullable || shape.kind === 'null' || shape.kind === 'json';
  switch (shape.kind) {
    case 'text':
      return typeof value === 'string';
    case 'number':
      return typeof value === 'number';
    case 'boolean':
      return typeof value === 'boolean';
    case 'list':
    case 'many':
    case 'tuple':
      return Array.isArray(value);
    case 'object':
    case 'map':
      return isMap(value);
    case 'enum':
      return shape.options.some((option) => same(option.value, value));
    case 'const':
      return same(shape.value, value);
    default:
      return true;
  }
}

/** Equal as JSON. */
export const same = (one: Json, two: Json): boolean => one === two || JSON.stringify(one) === JSON.stringify(two);
