import { Text } from '@codemirror/state';
import { describe, expect, test, vi } from 'vitest';
import type { Mark } from './editor';
import { diagnostics } from './parts';
import { difference, edited, fitting, lineStart, linesOf } from './text';

describe('places in a text', () => {
  test('edits are of the text as it was, in whatever order they come', () => {
    expect(edited('abc', [{ from: 2, to: 3, insert: 'Z' }, { from: 0, to: 1, insert: 'XY' }])).toBe('XYbZ');
    expect(edited('abc', [{ from: 3, to: 3, insert: '!' }])).toBe('abc!');
  });

  test('edits that cannot be made are left out', () => {
    expect(fitting([{ from: 0, to: 2, insert: '' }, { from: 1, to: 3, insert: '' }, { from: 9, to: 10, insert: '' }], 5)).toEqual([{ from: 0, to: 2, insert: '' }]);
  });

  test('lines count from one, and end where the text does', () => {
    expect(lineStart('a\nb\n', 2)).toBe(2);
    expect(lineStart('a\nb', 9)).toBe(3);
    expect(linesOf('a\nb\nc\nd', 2, 3)).toBe('b\nc\n');
    expect(linesOf('a\nb', 2, 9)).toBe('b');
  });

  test('a difference is the smallest edit of one piece', () => {
    expect(difference('a: 1  \nb: 2\n', 'a: 1\nb: 2\n')).toEqual({ from: 4, to: 6, insert: '' });
    expect(difference('aa', 'aaa')).toEqual({ from: 2, to: 2, insert: 'a' });
    expect(difference('x', 'x')).toBeNull();
  });
});

describe('what the editor shows', () => {
  const doc = Text.of(['a: 1', '  b: 👍 x', 'c']);
  const mark = (change: Partial<Mark>): Mark => ({ line: 1, column: 1, endLine: 1, endColumn: 2, severity: 'error', message: 'm', rule: 'r', fix: null, ...change });

  test('marks stand where they belong, in UTF-16 units, and never behind the end', () => {
    const made = diagnostics(doc, [mark({ line: 2, column: 9, endLine: 2, endColumn: 10 }), mark({ line: 99, column: 1, endLine: 99, endColumn: 5 }), mark({ line: 1, column: 1, endLine: 1, endColumn: 99 })]);
    expect(made.map(({ from, to }) => [from, to])).toEqual([[0, 4], [13, 14], [16, 16]]);
    expect(doc.sliceString(13, 14)).toBe('x');
  });

  test('a fix is an action of its mark', () => {
    const run = vi.fn();
    const [made] = diagnostics(doc, [mark({ fix: { label: 'Change to replicas', run } })]);
    expect(made!.actions!.map((action) => action.name)).toEqual(['Change to replicas']);
    made!.actions![0]!.apply({} as never, 0, 0);
    expect(run).toHaveBeenCalledOnce();
  });
});
