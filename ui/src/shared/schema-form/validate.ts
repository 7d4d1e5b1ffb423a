/** Validates against JSON Schema without `eval`. **Invariant:** never throws, never fetches, never runs a pattern that can blow up. */
import { Validator, type OutputUnit, type Schema as AnySchema, type SchemaDraft } from '@cfworker/json-schema';
import { i18next } from '../i18n/t';
import { isMap, type Json } from '../lib/words';

export type Schema = Json;
export type Path = readonly (string | number)[];
export type Issue = { path: string[]; keyword: string; message: string };

/** Patterns with a repetition inside a repetition take exponential time on a hostile text; the core checks those with an engine that does not. */
const RISKY = /\((?:[^()\\]|\\.)*[+*}](?:[^()\\]|\\.)*\)[+*{]/;
const MAX_ISSUES = 100;

/** What is wrong with a value; nothing when it fits, or when the schema itself cannot be read (the core then has the last word). */
export function issuesOf(schema: Schema, value: Json): Issue[] {
  if (schema === true || schema === null) return [];
  if (!isMap(schema) && schema !== false) return [];
  try {
    const validator = new Validator(calm(schema) as AnySchema | boolean, draftOf(schema), false);
    return told(validator.validate(value).errors);
  } catch {
    return [];
  }
}

function draftOf(schema: Schema): SchemaDraft {
  const named = isMap(schema) && typeof schema['$schema'] === 'string' ? schema['$schema'] : '';
  if (named.includes('draft-04')) return '4';
  if (named.includes('draft-06') || named.includes('draft-07')) return '7';
  if (named.includes('2019-09')) return '2019-09';
  return '2020-12';
}

/** A copy without risky patterns, and without identifiers that would make relative references point away from the document. */
function calm(schema: Json, depth = 0): Json {
  if (depth > 64) return true;
  if (Array.isArray(schema)) return schema.map((item) => calm(item, depth + 1));
  if (!isMap(schema)) return schema;
  const copy: Record<string, Json> = {};
  for (const [key, value] of Object.entries(schema)) {
    if (key === 'pattern' && typeof value === 'string' && (value.length > 500 || RISKY.test(value) || !compiles(value))) continue;
    if (key === 'patternProperties' && isMap(value)) {
      const safe = Object.entries(value).filter(([pattern]) => pattern.length <= 500 && !RISKY.test(pattern) && compiles(pattern));
      copy[key] = Object.fromEntries(safe.map(([pattern, sub]) => [pattern, calm(sub, depth + 1)]));
      continue;
    }
    if ((key === '$id' || key === 'id') && typeof value === 'string' && depth === 0) continue;
    copy[key] = key === 'const' || key === 'enum' || key === 'default' || key === 'examples' ? value : calm(value, depth + 1);
  }
  return copy;
}

function compiles(pattern: string): boolean {
  try {
    new RegExp(pattern, 'u');
    return true;
  } catch {
    return false;
  }
}

/** Keywords that only say "something below is wrong". */
const SHELLS = new Set(['$ref', '$recursiveRef', 'allOf', 'properties', 'patternProperties', 'additionalProperties', 'unevaluatedProperties', 'items', 'prefixItems', 'additionalItems', 'unevaluatedItems', 'dependentSchemas', 'if', 'propertyNames']);

function told(errors: OutputUnit[]): Issue[] {
  const kept = pick(errors);
  const issues: Issue[] = [];
  const seen = new Set<string>();
  for (const error of kept) {
    if (SHELLS.has(error.keyword)) continue;
    const issue = say(error);
    const id = `${issue.path.join('/')}\n${issue.message}`;
    if (seen.has(id)) continue;
    seen.add(id);
    issues.push(issue);
    if (issues.length >= MAX_ISSUES) break;
  }
  return issues;
}

const under = (place: string, root: string) => place === root || place.startsWith(`${root}/`);

/** Of a choice that failed, only the branch that was most likely meant speaks. */
function pick(errors: OutputUnit[]): OutputUnit[] {
  let rest = errors;
  for (;;) {
    const choice = rest.find((error) => (error.keyword === 'anyOf' || error.keyword === 'oneOf') && rest.some((other) => isBranchOf(other, error)));
    if (!choice) return rest;
    const branches = new Map<string, OutputUnit[]>();
    for (const error of rest) {
      if (!isBranchOf(error, choice)) continue;
      const index = error.keywordLocation.slice(choice.keywordLocation.length + 1).split('/', 1)[0]!;
      branches.set(index, [...(branches.get(index) ?? []), error]);
    }
    const tooMany = choice.keyword === 'oneOf' && /\(([2-9]|\d\d+) matches\)/.test(choice.error);
    const likely = [...branches.values()].filter(
      (branch) => !branch.some((error) => error.instanceLocation === choice.instanceLocation && ['type', 'const', 'enum', 'false'].includes(error.keyword)),
    );
    const meant = !tooMany && likely.length === 1 ? likely[0]! : null;
    rest = rest.flatMap((error) => {
      if (isBranchOf(error, choice)) return meant?.includes(error) ? [error] : [];
      return error === choice && meant ? [] : [error];
    });
  }
}

const isBranchOf = (error: OutputUnit, choice: OutputUnit) =>
  error !== choice && error.keywordLocation.startsWith(`${choice.keywordLocation}/`) && under(error.instanceLocation, choice.instanceLocation);

const words = i18next.t as unknown as (key: string, values?: Record<string, unknown>) => string;

function say(error: OutputUnit): Issue {
  const path = error.instanceLocation
    .replace(/^#\/?/, '')
    .split('/')
    .filter((part) => part !== '')
    .map((part) => decode(part.replace(/~1/g, '/').replace(/~0/g, '~')));
  const quoted = /"([^"]*)"/.exec(error.error)?.[1] ?? '';
  const number = /(-?\d+(?:\.\d+)?)(?=[^\d]*$)/.exec(error.error.replace(/\.$/, ''))?.[1] ?? '';
  const { keyword } = error;
  switch (keyword) {
    case 'required':
      return { path: [...path, quoted], keyword, message: words('issue.required') };
    case 'dependentRequired':
    case 'dependencies': {
      const missing = /have "([^"]*)"\.?$/.exec(error.error)?.[1];
      return { path: missing ? [...path, missing] : path, keyword, message: words('issue.dependent', { name: quoted }) };
    }
    case 'type': {
      const expected = error.error.split('Expected ')[1]?.replace(/[".]/g, '') ?? '';
      return { path, keyword, message: words('issue.type', { expected: expected.split(', ').map(typeName).join(words('issue.or')) }) };
    }
    case 'enum':
    case 'const':
      return { path, keyword, message: words('issue.enum') };
    case 'false':
      return { path, keyword, message: words('issue.unexpected') };
    case 'minimum':
    case 'maximum':
    case 'exclusiveMinimum':
    case 'exclusiveMaximum':
    case 'multipleOf':
    case 'minLength':
    case 'maxLength':
    case 'minItems':
    case 'maxItems':
    case 'minProperties':
    case 'maxProperties':
      return { path, keyword, message: words(`issue.${keyword}`, { n: number }) };
    case 'pattern':
      return { path, keyword, message: words('issue.pattern') };
    case 'format':
      return { path, keyword, message: words('issue.format', { format: quoted }) };
    case 'uniqueItems':
      return { path, keyword, message: words('issue.uniqueItems') };
    case 'oneOf':
    case 'anyOf':
      return { path, keyword, message: words(/\(([2-9]|\d\d+) matches\)/.test(error.error) ? 'issue.manyChoices' : 'issue.noChoice') };
    default:
      return { path, keyword, message: words('issue.other', { keyword }) };
  }
}

const typeName = (type: string) => words(`type.${type.trim()}`);

function decode(part: string): string {
  try {
    return decodeURI(part);
  } catch {
    return part;
  }
}
