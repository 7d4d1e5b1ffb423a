/** Line differences of two texts. Pure; bounded, so that two huge results cannot freeze the window. */
import type { Json } from './words';
import { isMap } from './words';

export type DiffLine = { kind: 'same' | 'gone' | 'new' | 'skip'; text: string; before: number | null; after: number | null };

const MAX_CELLS = 4_000_000;

/** Lines of `before` and `after` in one sequence. When both are too long to compare, what is common at both ends is kept and the middle is replaced whole. */
export function diffLines(before: string, after: string): DiffLine[] {
  const a = before.split('\n');
  const b = after.split('\n');
  let head = 0;
  while (head < a.length && head < b.length && a[head] === b[head]) head += 1;
  let tail = 0;
  while (tail < a.length - head && tail < b.length - head && a[a.length - 1 - tail] === b[b.length - 1 - tail]) tail += 1;

  const lines: DiffLine[] = [];
  const same = (i: number, j: number) => lines.push({ kind: 'same', text: a[i]!, before: i + 1, after: j + 1 });
  const gone = (i: number) => lines.push({ kind: 'gone', text: a[i]!, before: i + 1, after: null });
  const fresh = (j: number) => lines.push({ kind: 'new', text: b[j]!, before: null, after: j + 1 });

  for (let i = 0; i < head; i += 1) same(i, i);
  const rows = a.length - head - tail;
  const cols = b.length - head - tail;
  if (rows * cols > MAX_CELLS) {
    for (let i = 0; i < rows; i += 1) gone(head + i);
    for (let j = 0; j < cols; j += 1) fresh(head + j);
  } else {
    // Longest common subsequence, from the end, so that reading it forward is in order.
    const width = cols + 1;
    const table = new Uint32Array((rows + 1) * width);
    for (let i = rows - 1; i >= 0; i -= 1) {
      for (let j = cols - 1; j >= 0; j -= 1) {
        table[i * width + j] =
          a[head + i] === b[head + j]
            ? table[(i + 1) * width + j + 1]! + 1
            : Math.max(table[(i + 1) * width + j]!, table[i * width + j + 1]!);
      }
    }
    let i = 0;
    let j = 0;
    while (i < rows && j < cols) {
      if (a[head + i] === b[head + j]) {
        same(head + i, head + j);
        i += 1;
        j += 1;
      } else if (table[(i + 1) * width + j]! >= table[i * width + j + 1]!) {
        gone(head + i);
        i += 1;
      } else {
        fresh(head + j);
        j += 1;
      }
    }
    for (; i < rows; i += 1) gone(head + i);
    for (; j < cols; j += 1) fresh(head + j);
  }
  for (let k = tail; k > 0; k -= 1) same(a.length - k, b.length - k);
  return lines;
}

/** Long runs of equal lines become one `skip` line whose text is their number. */
export function fold(lines: DiffLine[], context = 3): DiffLine[] {
  const folded: DiffLine[] = [];
  let run: DiffLine[] = [];
  const flush = (atEnd: boolean) => {
    const atStart = folded.length === 0;
    const keepHead = atStart ? 0 : context;
    const keepTail = atEnd ? 0 : context;
    if (run.length > keepHead + keepTail + 1) {
      folded.push(...run.slice(0, keepHead));
      folded.push({ kind: 'skip', text: String(run.length - keepHead - keepTail), before: null, after: null });
      if (keepTail > 0) folded.push(...run.slice(-keepTail));
    } else folded.push(...run);
    run = [];
  };
  for (const line of lines) {
    if (line.kind === 'same') run.push(line);
    else {
      flush(false);
      folded.push(line);
    }
  }
  flush(true);
  return folded;
}

/** JSON with sorted keys: what differs then differs in fact, not in order. */
export const steady = (value: Json): string => JSON.stringify(sorted(value), null, 2) ?? 'null';

function sorted(value: Json): Json {
  if (Array.isArray(value)) return value.map(sorted);
  if (!isMap(value)) return value;
  return Object.fromEntries(
    Object.keys(value)
      .sort()
      .map((key) => [key, sorted(value[key]!)]),
  );
}
