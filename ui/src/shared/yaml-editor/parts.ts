/** What the editor makes of answers. All foreign text goes in as text. */
import type { Diagnostic } from '@codemirror/lint';
import type { Text } from '@codemirror/state';
import { visible } from '../lib/visible';
import type { Mark } from './editor';

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
