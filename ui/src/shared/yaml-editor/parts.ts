/** What the editor makes of answers: marks, offers, explanations. All foreign text goes in as text. */
import { snippetCompletion, type Completion as Offer, type CompletionContext, type CompletionResult } from '@codemirror/autocomplete';
import type { Diagnostic } from '@codemirror/lint';
import type { Text } from '@codemirror/state';
import { visible } from '../lib/visible';
import type { At, Completion, Hover, Mark } from './editor';

/** More marks than this help nobody, and cost. */
const MOST = 1000;

function place(doc: Text, line: number, column: number): number {
  if (line < 1) return 0;
  if (line > doc.lines) return doc.length;
  const at = doc.line(line);
  return Math.min(at.to, at.from + Math.max(0, column - 1));
}

/** The marks at their places. What points behind the end points at the end. */
export function diagnostics(doc: Text, marks: readonly Mark[]): Diagnostic[] {
  return marks
    .slice(0, MOST)
    .map((mark): Diagnostic => {
      const from = place(doc, mark.line, mark.column);
      const to = Math.max(from, place(doc, mark.endLine, mark.endColumn));
      return {
        from,
        to,
        severity: mark.severity,
        source: mark.rule,
        message: visible(mark.message),
        actions: mark.fix ? [{ name: visible(mark.fix.label), apply: mark.fix.run }] : [],
      };
    })
    .sort((a, b) => a.from - b.from || a.to - b.to);
}

export type Words = { required: string; deprecated: string; oneOf: string };

const element = (tag: string, className: string, text = ''): HTMLElement => {
  const made = document.createElement(tag);
  made.className = className;
  made.textContent = visible(text);
  return made;
};

/** What a field is, in a box. */
export function explain(found: Hover, words: Words): HTMLElement {
  const box = element('div', 'ph-explain');
  const head = element('div', 'head');
  head.append(element('code', 'path', found.path), element('span', 'type', found.type));
  if (found.required) head.append(element('span', 'req', words.required));
  box.append(head);
  if (found.about) box.append(element('p', 'about', found.about));
  if (found.allowed.length > 0) box.append(element('p', 'allowed', `${words.oneOf} ${found.allowed.join(', ')}`));
  return box;
}

/** What can stand where the cursor is. */
export async function offered(context: CompletionContext, complete: (at: At, signal: AbortSignal) => Promise<Completion | null>, words: Words): Promise<CompletionResult | null> {
  const doc = context.state.doc;
  const line = doc.lineAt(context.pos);
  const before = line.text.slice(0, context.pos - line.from);
  // While one types, offers come with letters, after a key or a dash; not in comments, not on an empty line unless asked for.
  if (!context.explicit && (/^\s*#/.test(before) || !/[\w.:/-]$|:\s$|-\s$/.test(before))) return null;
  const giveUp = new AbortController();
  context.addEventListener('abort', () => giveUp.abort(), { onDocChange: true });
  const found = await complete({ text: doc.toString(), line: line.number, column: context.pos - line.from + 1 }, giveUp.signal).catch(() => null);
  if (!found || context.aborted || found.items.length === 0 || found.from > context.pos) return null;
  return {
    from: found.from,
    to: Math.max(found.to, context.pos),
    options: found.items.map((item, index) => offer(item, words, found.items.length - index)),
    validFor: /^[\w./-]*$/,
  };
}

function offer(item: Completion['items'][number], words: Words, rank: number): Offer {
  const plain: Offer = {
    label: item.label,
    detail: [item.type, item.required ? words.required : '', item.deprecated ? words.deprecated : ''].filter(Boolean).join(' · '),
    type: item.kind,
    // The core's order: what is required first.
    boost: Math.min(99, rank / 100 + (item.required ? 20 : 0) - (item.deprecated ? 30 : 0)),
    ...(item.about ? { info: () => element('div', 'ph-explain about', item.about) } : {}),
  };
  // `${…}` are places to fill in, in this order.
  return /\$\{[^}]*\}/.test(item.insert) ? snippetCompletion(item.insert, plain) : { ...plain, apply: item.insert };
}
