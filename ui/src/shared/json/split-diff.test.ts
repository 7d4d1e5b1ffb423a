import { expect, test } from 'vitest';
import { diffLines } from '../lib/diff';
import { drawn, paired, pieces } from './split-diff';

test('what went stands beside what came in its place', () => {
  const pairs = paired(diffLines('a\nb\nc\nd', 'a\nx\nd'));
  expect(pairs.map(({ left, right }) => [left?.text ?? null, right?.text ?? null])).toEqual([['a', 'a'], ['b', 'x'], ['c', null], ['d', 'd']]);
});

test('long equal runs are pieces that can be unfolded', () => {
  const same = Array.from({ length: 20 }, (_, at) => `line ${at}`).join('\n');
  const made = pieces(paired(diffLines(`${same}\nold\n${same}`, `${same}\nnew\n${same}`)));
  expect(made.map((piece) => [piece.folded, piece.pairs.length])).toEqual([[true, 17], [false, 3], [false, 1], [false, 3], [true, 17]]);
  expect(drawn(made, new Set([0]), 1000).shown[0]).toMatchObject({ folded: false });
});

test('not more is drawn than asked for', () => {
  const made = pieces(paired(diffLines('', Array.from({ length: 5000 }, (_, at) => String(at)).join('\n'))));
  const { shown, more } = drawn(made, new Set(), 100);
  expect(more).toBe(true);
  expect(shown.reduce((sum, piece) => sum + piece.pairs.length, 0)).toBeLessThanOrEqual(100);
});
