/** What goes on while it is looked at: logs and terminals. What comes in is counted, and the core is told how much was drawn. */
import type { Client, Message, Req, Res } from '@/ipc/wire';
import type { KubeLogLine } from '@/ipc/bindings';
import { uuid } from '@/shared/lib/hooks';

export type { KubeForwardView, KubeLogBatch, KubeLogLine, KubeLogSource, UiFault, Words } from '@/ipc/bindings';

type Streaming = 'kube_logs' | 'kube_exec';

/** A stream that can be ended; `ask` names it towards the core. */
export type Way = { ask: string; taken: (n: number) => void; stop: () => void };
export type Stream<K extends Streaming> = Way & { ended: Promise<Res<K>> };

export function stream<K extends Streaming>(client: Client, name: K, req: Omit<Req<K>, 'ask'>, onMessage: (message: Message<K>, way: Way) => void): Stream<K> {
  const ask = uuid();
  const way: Way = {
    ask,
    taken: (n) => void client.call('kube_taken', { ask, n }).catch(() => undefined),
    stop: () => void client.call('kube_cancel', { id: ask }).catch(() => undefined),
  };
  const ended = client.call(name, { ...req, ask } as Req<K>, (message) => onMessage(message, way));
  // Whoever looks at it says what went wrong; a stream that nobody looks at any more has nobody to tell.
  ended.catch(() => undefined);
  return { ...way, ended };
}

/** So many lines are kept; older ones are left out. */
export const KEPT = 20_000;

export type Line = KubeLogLine & { id: number };

/** Lines within bounds. */
export class Lines {
  all: Line[] = [];
  /** How many older ones were left out. */
  left = 0;
  private next = 0;

  add(lines: readonly KubeLogLine[], most = KEPT): void {
    for (const line of lines) this.all.push({ ...line, id: this.next++ });
    const over = this.all.length - most;
    if (over > 0) {
      this.all = this.all.slice(over);
      this.left += over;
    }
  }
}

/** Which lines hold what is searched for, by place. */
export function found(lines: readonly Line[], wanted: string): number[] {
  const word = wanted.toLowerCase();
  if (word === '') return [];
  const at: number[] = [];
  lines.forEach((line, index) => {
    if (line.text.toLowerCase().includes(word)) at.push(index);
  });
  return at;
}

/** A text cut at what is searched for: every other piece is a find. */
export function pieces(text: string, wanted: string): string[] {
  const word = wanted.toLowerCase();
  if (word === '') return [text];
  const low = text.toLowerCase();
  // Where lower case has another length, places would be wrong.
  if (low.length !== text.length) return [text];
  const out: string[] = [];
  let from = 0;
  for (let at = low.indexOf(word); at >= 0; at = low.indexOf(word, from)) {
    out.push(text.slice(from, at), text.slice(at, at + word.length));
    from = at + word.length;
  }
  out.push(text.slice(from));
  return out;
}

/** A colour for a name, always the same. The name stands beside it. */
export function hue(name: string): number {
  let sum = 0;
  for (const letter of name) sum = (sum * 31 + letter.codePointAt(0)!) % 3600;
  return sum % 360;
}

/** Escape sequences of a terminal say nothing in a list of lines. */
const SEQUENCES = /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)|[@-Z\\-_])/g;
export const plain = (text: string): string => (text.includes('\u001b') ? text.replace(SEQUENCES, '') : text);
