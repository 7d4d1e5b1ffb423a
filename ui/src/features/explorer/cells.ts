/** What a server's cells mean: tones of its words, its ages, how its rows are sorted and searched. Pure. */
import { byName } from '@/shared/lib/format';
import type { Json } from '@/shared/lib/words';
import type { IconName } from '@/shared/ui/icon';
import type { Tone } from '@/shared/ui/chips';
import type { KubeColumnView, KubeRowView } from './api';

export const textOf = (cell: Json | undefined): string => {
  if (cell === null || cell === undefined) return '';
  return typeof cell === 'object' ? JSON.stringify(cell) : String(cell);
};

/** `<none>`, `<unknown>`, `<invalid>`: the server's way of saying nothing. */
export const isNothing = (text: string): boolean => text === '' || /^<[a-z]+>$/.test(text);

const UNITS: Record<string, number> = { y: 365 * 86_400_000, d: 86_400_000, h: 3_600_000, m: 60_000, s: 1000 };

/** An age as servers write it, `3d4h` or `90s`, in ms; null for anything else. */
export function ageOf(text: string): number | null {
  const whole = /^(\d+[ydhms])+$/.exec(text);
  if (!whole) return null;
  return [...text.matchAll(/(\d+)([ydhms])/g)].reduce((sum, part) => sum + Number(part[1]) * UNITS[part[2]!]!, 0);
}

/** A span of time as servers write it. */
export function ageText(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const [minutes, hours, days] = [Math.floor(seconds / 60), Math.floor(seconds / 3600), Math.floor(seconds / 86_400)];
  const both = (big: number, unit: string, rest: number, small: string) => (rest === 0 ? `${big}${unit}` : `${big}${unit}${rest}${small}`);
  if (seconds < 120) return `${seconds}s`;
  if (seconds < 600) return both(minutes, 'm', seconds % 60, 's');
  if (seconds < 10_800) return `${minutes}m`;
  if (seconds < 28_800) return both(hours, 'h', minutes % 60, 'm');
  if (seconds < 172_800) return `${hours}h`;
  if (seconds < 691_200) return both(days, 'd', hours % 24, 'h');
  if (seconds < 63_072_000) return `${days}d`;
  return both(Math.floor(days / 365), 'y', days % 365, 'd');
}

const AGES = new Set(['age', 'last seen', 'first seen', 'last schedule', 'duration']);

export const isAge = (column: KubeColumnView): boolean => column.kind === 'date' || AGES.has(column.name.toLowerCase());

const STATES = new Set(['status', 'phase', 'state', 'type', 'reason', 'available', 'ready', 'health', 'synced', 'established', 'condition']);

const OK = new Set(['running', 'active', 'bound', 'ready', 'available', 'succeeded', 'completed', 'complete', 'true', 'healthy', 'synced', 'established', 'normal', 'issued', 'approved,issued']);
const BAD = /^(failed|error|evicted|lost|notready|false|unhealthy|oomkilled|crashloopbackoff|.*(imagepull|crashloop).*backoff|errimagepull|errimageneverpull|invalidimagename|.*containererror|runcontainererror|deadlineexceeded|unexpectedadmissionerror|nodelost|init:(error|crashloopbackoff)|degraded|denied|suspenderror)$/;
const WARN = /^(pending|containercreating|podinitializing|terminating|unknown|released|warning|progressing|outofsync|schedulingdisabled|notready,.*|init:.*|podscheduled|suspended|failedscheduling|backoff|waiting|installing)$/;

export type Said = { tone: Tone; icon: IconName };

const said = (tone: Tone): Said => ({ tone, icon: ({ ok: 'ok', warn: 'warn', bad: 'fail', run: 'busy', ask: 'person', idle: 'idle' } as const)[tone] });

/** How a state's word is meant; null for words that say nothing good or bad. The word itself always stands beside the colour. */
export function meaning(word: string): Said | null {
  const low = word.trim().toLowerCase();
  if (OK.has(low)) return said('ok');
  if (/^(ready|active),/.test(low)) return said('warn');
  if (BAD.test(low)) return said('bad');
  if (WARN.test(low)) return said('warn');
  return null;
}

/** What a cell of this column says, when the column speaks of a state. */
export function stateOf(column: KubeColumnView, text: string): Said | null {
  if (!STATES.has(column.name.toLowerCase())) return null;
  const parts = /^(\d+)\/(\d+)$/.exec(text);
  if (parts) return Number(parts[1]) < Number(parts[2]) ? said('warn') : null;
  return meaning(text);
}

export type Sort = { column: number; down: boolean } | null;

/** The column `-1` is the namespace's. Without a sort the namespaces are in order and the server's order stays within each. */
export function sorted(rows: readonly KubeRowView[], columns: readonly KubeColumnView[], sort: Sort): KubeRowView[] {
  const byNamespace = (a: KubeRowView, b: KubeRowView) => ((a.namespace ?? '') < (b.namespace ?? '') ? -1 : (a.namespace ?? '') > (b.namespace ?? '') ? 1 : 0);
  if (!sort) return [...rows].sort(byNamespace);
  const column = columns[sort.column];
  const keyed = rows.map((row) => {
    const text = sort.column < 0 ? (row.namespace ?? '') : textOf(row.cells[sort.column] as Json);
    const number = column && isAge(column) ? ageOf(text) : /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : null;
    return { row, text, number, none: isNothing(text) };
  });
  keyed.sort((a, b) => {
    // What says nothing stands last, whichever way the rest is sorted.
    if (a.none !== b.none) return a.none ? 1 : -1;
    const order = a.number !== null && b.number !== null ? a.number - b.number : byName(a.text, b.text);
    return sort.down ? -order : order;
  });
  return keyed.map(({ row }) => row);
}

const texts = new WeakMap<KubeRowView, string>();

/** Everything of a row that can be searched. */
export function searched(row: KubeRowView): string {
  let text = texts.get(row);
  if (text === undefined) {
    text = [row.namespace ?? '', row.name, ...row.cells.map((cell) => textOf(cell as Json))].join(' ').toLowerCase();
    texts.set(row, text);
  }
  return text;
}

/** The rows with every typed word in them. */
export function filtered(rows: readonly KubeRowView[], query: string): readonly KubeRowView[] {
  const words = query.trim().toLowerCase().split(/\s+/).filter(Boolean);
  return words.length === 0 ? rows : rows.filter((row) => words.every((word) => searched(row).includes(word)));
}
