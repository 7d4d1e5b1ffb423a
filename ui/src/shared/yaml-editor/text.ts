/** Places in a text. Lines and columns count from 1, columns and offsets in UTF-16 code units, as the core and the editor count. Pure. */

export type Edit = { from: number; to: number; insert: string };

/** The text with the edits made. Edits are of the text as it was; those that overlap an earlier one are left out. */
export function edited(text: string, edits: readonly Edit[]): string {
  let out = '';
  let at = 0;
  for (const edit of fitting(edits, text.length)) {
    out += text.slice(at, edit.from) + edit.insert;
    at = edit.to;
  }
  return out + text.slice(at);
}

/** The edits that can be made of a text of that length, in order. */
export function fitting(edits: readonly Edit[], length: number): Edit[] {
  const inOrder = [...edits].sort((a, b) => a.from - b.from || a.to - b.to);
  let at = 0;
  return inOrder.filter((edit) => {
    if (edit.from < at || edit.to < edit.from || edit.to > length) return false;
    at = edit.to;
    return true;
  });
}

/** Where a line begins; the end of the text where it has fewer. */
export function lineStart(text: string, line: number): number {
  let at = 0;
  for (let n = 1; n < line; n += 1) {
    const next = text.indexOf('\n', at);
    if (next < 0) return text.length;
    at = next + 1;
  }
  return at;
}

/** The lines from `first` to `last`, both of them too. */
export function linesOf(text: string, first: number, last: number): string {
  const from = lineStart(text, first);
  let to = from;
  for (let n = first; n <= last; n += 1) {
    const next = text.indexOf('\n', to);
    if (next < 0) return text.slice(from);
    to = next + 1;
  }
  return text.slice(from, to);
}

/** The one edit that makes `after` of `before`: what is common at both ends stays, and with it where the cursor is. */
export function difference(before: string, after: string): Edit | null {
  if (before === after) return null;
  let head = 0;
  const most = Math.min(before.length, after.length);
  while (head < most && before.charCodeAt(head) === after.charCodeAt(head)) head += 1;
  let tail = 0;
  while (tail < most - head && before.charCodeAt(before.length - 1 - tail) === after.charCodeAt(after.length - 1 - tail)) tail += 1;
  return { from: head, to: before.length - tail, insert: after.slice(head, after.length - tail) };
}
