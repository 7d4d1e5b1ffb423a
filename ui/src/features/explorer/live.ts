/** A table that changes while it is looked at. Pure, but for its clock. */
import type { KubeRowView, KubeWatchPart, UiFault } from '@/ipc/bindings';
import type { KubeTable } from './api';

/** How it stands with what is shown: as it was asked for, live, out of date since the connection was cut, or no longer followed. */
export type Live = { state: 'asked' } | { state: 'live' } | { state: 'stale'; since: number; why: UiFault } | { state: 'ended'; since: number; why: UiFault };

export const NOT_LIVE: Live = { state: 'asked' };

const keyOf = (one: { namespace: string | null; name: string }) => `${one.namespace ?? ''}\n${one.name}`;
const before = (a: KubeRowView, b: KubeRowView) => {
  const [one, other] = [keyOf(a), keyOf(b)];
  return one < other ? -1 : one > other ? 1 : 0;
};

/** When a row came in by itself; its age counts from then. */
const cameAt = new WeakMap<KubeRowView, number>();

export const rowAt = (row: KubeRowView, askedAt: number): number => cameAt.get(row) ?? askedAt;

/** Rows with these changes: those that are known keep their place, new ones stand where the server would list them. */
export function changed(rows: readonly KubeRowView[], changes: ReadonlyMap<string, KubeRowView | null>): KubeRowView[] {
  const left = new Map(changes);
  const next: KubeRowView[] = [];
  for (const row of rows) {
    const key = keyOf(row);
    const change = left.get(key);
    if (change === undefined) next.push(row);
    else if (change !== null) next.push(change);
    left.delete(key);
  }
  const fresh = [...left.values()].filter((row): row is KubeRowView => row !== null);
  return fresh.length === 0 ? next : [...next, ...fresh].sort(before);
}

/** Takes pieces of a watch and puts them into the table, so often as its size allows. */
export function changing(current: () => KubeTable | undefined, show: (table: KubeTable) => void, tell: (live: Live) => void) {
  let waiting = new Map<string, KubeRowView | null>();
  let columns: KubeTable['columns'] | null = null;
  /** Everything comes again: shown when it is whole, so that nothing blinks. */
  let anew: Map<string, KubeRowView | null> | null = null;
  let timer: ReturnType<typeof setTimeout> | null = null;
  const put = () => {
    timer = null;
    const table = current();
    if (!table || (waiting.size === 0 && columns === null)) return;
    const rows = changed(table.rows, waiting);
    waiting = new Map();
    show({ ...table, columns: columns ?? table.columns, rows });
    columns = null;
  };
  const soon = () => {
    timer ??= setTimeout(put, Math.max(50, (current()?.rows.length ?? 0) / 40));
  };
  return {
    take(part: KubeWatchPart) {
      const into = anew ?? waiting;
      switch (part.part) {
        case 'head':
          columns = part.columns;
          break;
        case 'anew':
          anew = new Map();
          return;
        case 'rows':
          for (const row of part.rows) {
            cameAt.set(row, Date.now());
            into.set(keyOf(row), row);
          }
          break;
        case 'gone':
          for (const name of part.names) into.set(keyOf(name), null);
          break;
        case 'live': {
          const table = current();
          if (anew && table) {
            for (const row of table.rows) if (!anew.has(keyOf(row))) anew.set(keyOf(row), null);
            waiting = anew;
            anew = null;
            put();
          }
          tell({ state: 'live' });
          return;
        }
        case 'stale':
          tell({ state: 'stale', since: part.since, why: part.why });
          return;
        case 'note': {
          const table = current();
          if (table && !table.notes.some((note) => note.en === part.note.en)) show({ ...table, notes: [...table.notes, part.note] });
          return;
        }
      }
      if (anew === null) soon();
    },
    end() {
      if (timer !== null) clearTimeout(timer);
      timer = null;
    },
  };
}
