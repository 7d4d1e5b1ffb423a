/** What can be told from a manifest's text without judging it: names, masked values, what a Secret leaves out. Pure. */
import type { WbObject, WbOutlineView } from './api';

/** How the core masks a Secret's values. */
export const MASK = '******';

/** Above so many letters a text is checked when it is asked for, not while one types. */
export const CALM = 1_000_000;

/** The kinds whose rollout can be watched. */
const ROLLS = new Set(['Deployment', 'StatefulSet', 'DaemonSet']);

export const rolls = (object: WbObject): boolean => object.apiVersion === 'apps/v1' && ROLLS.has(object.kind);

/** `Deployment/web`. */
export const titleOf = (object: { kind: string; name: string | null }): string => `${object.kind || '?'}/${object.name ?? '?'}`;

export const keyOfObject = (object: WbObject): string => [object.apiVersion, object.kind, object.namespace ?? '', object.name].join('\n');

/** What a rehearsal calls a field that is to be taken over. */
export const takeOverOf = (object: WbObject, path: string): string => `${object.kind}/${object.name}:${path}`;

export type Masked = { line: number; key: string; name: string };

const MASKED_LINE = /^\s*(?:- )?["']?([^"'#\s:][^"':]*?)["']?\s*:\s*(["']?)\*{6}\2\s*(?:#.*)?$/;

/** The masked values that stand in Secrets: applied, they would take the place of the real ones. */
export function maskedIn(text: string, outline: readonly WbOutlineView[]): Masked[] {
  if (!text.includes(MASK)) return [];
  const lines = text.split('\n');
  const found: Masked[] = [];
  for (const part of outline) {
    if (part.kind !== 'Secret' || part.apiVersion !== 'v1') continue;
    for (let line = part.line; line <= Math.min(part.endLine, lines.length); line += 1) {
      const hit = MASKED_LINE.exec(lines[line - 1]!.replace(/\r$/, ''));
      if (hit) found.push({ line, key: hit[1]!.trim(), name: part.name ?? '' });
    }
  }
  return found;
}

/** A Secret as it comes from a cluster, without the values that are masked, and the keys they belong to. */
export function withoutMasked(text: string): { text: string; keys: string[] } {
  const keys: string[] = [];
  const kept: string[] = [];
  const lines = text.split('\n');
  for (let at = 0; at < lines.length; at += 1) {
    const line = lines[at]!;
    const hit = MASKED_LINE.exec(line);
    if (hit) {
      if (!/last-applied-configuration$/.test(hit[1]!)) keys.push(hit[1]!.trim());
      continue;
    }
    kept.push(line);
  }
  // A map that lost all its entries would say "no data at all".
  const whole = kept.filter((line, at) => {
    if (!/^(?: {2})?(?:data|stringData|annotations):\s*$/.test(line)) return true;
    const depth = line.search(/\S/);
    const next = kept.slice(at + 1).find((other) => other.trim() !== '');
    return next !== undefined && (next.search(/\S/) > depth || (next.search(/\S/) === depth && next.trimStart().startsWith('- ')));
  });
  return { text: whole.join('\n'), keys };
}

/** Where a Secret's new value is written: under `stringData`, which is made when it is not there. */
export function valueEdit(text: string, key: string): { from: number; to: number; insert: string } {
  const name = /^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(key) && !/^(?:true|false|null|yes|no|on|off|[0-9.]+)$/i.test(key) ? key : JSON.stringify(key);
  const there = /^stringData:[ \t]*$/m.exec(text);
  if (there) {
    const end = there.index + there[0].length;
    return { from: end, to: end, insert: `\n  ${name}: ""` };
  }
  const gap = text === '' || text.endsWith('\n') ? '' : '\n';
  return { from: text.length, to: text.length, insert: `${gap}stringData:\n  ${name}: ""\n` };
}

/** A question for one object: as much of it as names it. */
export const naming = (object: WbObject): string =>
  ['apiVersion', 'kind'].map((key) => `${key}: ${JSON.stringify(object[key as 'apiVersion' | 'kind'])}\n`).join('') +
  `metadata:\n  name: ${JSON.stringify(object.name)}\n${object.namespace === null ? '' : `  namespace: ${JSON.stringify(object.namespace)}\n`}`;

/** What a text is called as long as nobody named it. */
export function nameOf(outline: readonly WbOutlineView[]): string | null {
  const named = outline.filter((part) => part.kind && part.name);
  const first = named[0];
  if (!first) return null;
  return named.length === 1 ? titleOf(first) : `${titleOf(first)} + ${named.length - 1}`;
}
