/** Two texts side by side, line by line; what is equal is folded away until somebody wants it. */
import { useMemo, useState } from 'react';
import { useT } from '../i18n/t';
import { diffLines, type DiffLine } from '../lib/diff';
import { visible } from '../lib/visible';

export type Pair = { left: DiffLine | null; right: DiffLine | null };
/** Lines that are shown, or equal ones that are folded. */
export type Piece = { from: number; folded: boolean; pairs: Pair[] };

/** Lines beside each other: what went stands beside what came in its place. Pure. */
export function paired(lines: readonly DiffLine[]): Pair[] {
  const pairs: Pair[] = [];
  let gone: DiffLine[] = [];
  let fresh: DiffLine[] = [];
  const flush = () => {
    for (let at = 0; at < Math.max(gone.length, fresh.length); at += 1) pairs.push({ left: gone[at] ?? null, right: fresh[at] ?? null });
    gone = [];
    fresh = [];
  };
  for (const line of lines) {
    if (line.kind === 'gone') gone.push(line);
    else if (line.kind === 'new') fresh.push(line);
    else {
      flush();
      pairs.push({ left: line, right: line });
    }
  }
  flush();
  return pairs;
}

const equal = (pair: Pair) => pair.left?.kind === 'same';

/** Long runs of equal lines in pieces of their own. Pure. */
export function pieces(pairs: readonly Pair[], context = 3): Piece[] {
  const made: Piece[] = [];
  let at = 0;
  const add = (from: number, to: number, folded: boolean) => {
    if (to > from) made.push({ from, folded, pairs: pairs.slice(from, to) });
  };
  while (at < pairs.length) {
    let end = at;
    const same = equal(pairs[at]!);
    while (end < pairs.length && equal(pairs[end]!) === same) end += 1;
    if (!same) add(at, end, false);
    else {
      const head = at === 0 ? 0 : context;
      const tail = end === pairs.length ? 0 : context;
      if (end - at > head + tail + 1) {
        add(at, at + head, false);
        add(at + head, end - tail, true);
        add(end - tail, end, false);
      } else add(at, end, false);
    }
    at = end;
  }
  return made;
}

/** What is drawn: folded runs, and lines up to so many. Pure. */
export function drawn(all: readonly Piece[], opened: ReadonlySet<number>, most: number): { shown: Piece[]; more: boolean } {
  const shown: Piece[] = [];
  let room = most;
  for (const piece of all) {
    if (room <= 0) return { shown, more: true };
    const folded = piece.folded && !opened.has(piece.from);
    shown.push(folded ? piece : { ...piece, folded, pairs: piece.pairs.slice(0, room) });
    if (!folded) room -= piece.pairs.length;
  }
  return { shown, more: room < 0 };
}

/** More lines than this are drawn when they are asked for. */
const MOST = 1500;

export function SplitDiff({ before, after, label, beforeName, afterName }: { before: string; after: string; label: string; beforeName: string; afterName: string }) {
  const { t } = useT();
  const found = useMemo(() => {
    const lines = diffLines(before, after);
    return { pieces: pieces(paired(lines)), gone: lines.filter((line) => line.kind === 'gone').length, fresh: lines.filter((line) => line.kind === 'new').length };
  }, [before, after]);
  const [opened, setOpened] = useState<ReadonlySet<number>>(new Set());
  const [all, setAll] = useState(false);
  const { shown, more } = drawn(found.pieces, opened, all ? Infinity : MOST);
  return (
    <div className="ph-split-diff" data-testid="split-diff">
      <div className="head">
        <span className="gone ph-cut">− {beforeName}</span>
        <span className="new ph-cut">+ {afterName}</span>
        <span className="ph-muted">{found.gone + found.fresh === 0 ? t('diff.same') : t('diff.count', { gone: found.gone, fresh: found.fresh })}</span>
      </div>
      {/* eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex */}
      <div className="lines" tabIndex={0} role="group" aria-label={label}>
        {shown.map((piece) =>
          piece.folded ? (
            <button key={piece.from} type="button" className="ph-plain skip" onClick={() => setOpened(new Set([...opened, piece.from]))} data-testid="diff-unfold">
              {t('diff.skipped', { count: piece.pairs.length })}
            </button>
          ) : (
            piece.pairs.map((pair, index) => (
              <div key={piece.from + index} className="pair">
                <Side line={pair.left} no={pair.left?.before ?? null} />
                <Side line={pair.right} no={pair.right?.after ?? null} />
              </div>
            ))
          ),
        )}
        {more && (
          <button type="button" className="ph-plain skip" onClick={() => setAll(true)}>
            {t('common.moreText')}
          </button>
        )}
      </div>
    </div>
  );
}

function Side({ line, no }: { line: DiffLine | null; no: number | null }) {
  const { t } = useT();
  return (
    <div className={`side ${line?.kind ?? 'none'}`}>
      <span className="no">{no ?? ''}</span>
      <span className="text">
        {line ? visible(line.text) || ' ' : ' '}
        {line?.kind === 'gone' && <span className="ph-sr"> {t('diff.removed')}</span>}
        {line?.kind === 'new' && <span className="ph-sr"> {t('diff.added')}</span>}
      </span>
    </div>
  );
}
