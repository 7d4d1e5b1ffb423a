/** Rows, any number of them: only those in sight exist. Moves with the arrow keys, tells screen readers where it is. */
import { useVirtualizer } from '@tanstack/react-virtual';
import { useEffect, useId, useLayoutEffect, useMemo, useRef, useState, type KeyboardEvent, type ReactNode } from 'react';

export type Column<T> = {
  key: string;
  head: ReactNode;
  cell: (row: T) => ReactNode;
  /** The least width (px). */
  min: number;
  /** Its share of what is left over; none stays as it is. */
  grow?: number;
  /** Where there is no room, the highest goes first; 0 always stays. */
  rank?: number;
  end?: boolean;
  /** How the rows are sorted by it, where they can be. */
  sort?: 'ascending' | 'descending' | 'none';
};

const GAP = 16;
const SIDES = 28;

const needed = <T,>(columns: readonly Column<T>[]) => columns.reduce((sum, column) => sum + column.min, 0) + GAP * (columns.length - 1) + SIDES;

/** The columns there is room for. Pure. */
export function fitting<T>(columns: readonly Column<T>[], width: number): Column<T>[] {
  let shown = [...columns];
  while (needed(shown) > width) {
    const out = shown.reduce<Column<T> | null>((worst, column) => ((column.rank ?? 0) > (worst?.rank ?? 0) ? column : worst), null);
    if (!out) break;
    shown = shown.filter((column) => column !== out);
  }
  return shown;
}

const trackOf = <T,>(column: Column<T>) => (column.grow ? `minmax(${column.min}px, ${column.grow}fr)` : `${column.min}px`);

type Props<T> = {
  label: string;
  rows: readonly T[];
  columns: readonly Column<T>[];
  rowKey: (row: T) => string;
  selected?: string | null;
  onSelect?: (row: T) => void;
  /** A row that only heads others: drawn over the whole width, not selectable. */
  group?: (row: T) => ReactNode | null;
  rowHeight?: number;
  rowTestId?: string;
  rowTone?: (row: T) => string | undefined;
  onEnd?: () => void;
  hideHead?: boolean;
  /** Every column stays; what there is no room for is scrolled to. */
  all?: boolean;
  foot?: ReactNode;
};

export function Grid<T>({ label, rows, columns, rowKey, selected, onSelect, group, rowHeight = 32, rowTestId, rowTone, onEnd, hideHead, all, foot }: Props<T>) {
  const box = useRef<HTMLDivElement>(null);
  const base = useId();
  const [width, setWidth] = useState(900);
  useLayoutEffect(() => {
    const element = box.current;
    if (!element) return;
    const measure = () => setWidth(element.clientWidth || 900);
    measure();
    const watch = new ResizeObserver(measure);
    watch.observe(element);
    return () => watch.disconnect();
  }, []);

  // eslint-disable-next-line react-hooks/incompatible-library
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => box.current,
    estimateSize: () => rowHeight,
    overscan: 12,
    getItemKey: (index) => rowKey(rows[index]!),
  });

  const at = selected == null ? -1 : rows.findIndex((row) => rowKey(row) === selected);
  const items = virtual.getVirtualItems();
  const lastSeen = items.at(-1)?.index ?? -1;
  useEffect(() => {
    if (onEnd && rows.length > 0 && lastSeen >= rows.length - 20) onEnd();
  }, [lastSeen, rows.length, onEnd]);
  const known = useRef<string | null>(null);
  useEffect(() => {
    // Only a new choice scrolls: a list that refreshes must not jump back to it.
    if (at >= 0 && known.current !== selected) virtual.scrollToIndex(at, { align: known.current === null ? 'center' : 'auto' });
    if (at >= 0) known.current = selected ?? null;
  }, [at, selected, virtual]);

  const shown = useMemo(() => (all ? [...columns] : fitting(columns, width)), [all, columns, width]);
  const tracks = { gridTemplateColumns: shown.map(trackOf).join(' '), ...(all ? { minWidth: needed(shown) } : {}) };

  const move = (from: number, step: number) => {
    let next = from;
    for (;;) {
      next += step;
      const row = rows[next];
      if (!row) return;
      if (group?.(row)) {
        step = Math.sign(step);
        continue;
      }
      onSelect?.(row);
      virtual.scrollToIndex(next, { align: 'auto' });
      return;
    }
  };
  const key = (event: KeyboardEvent) => {
    if (event.target !== event.currentTarget || event.ctrlKey || event.metaKey || event.altKey) return;
    const page = Math.max(1, Math.floor((box.current?.clientHeight ?? 320) / rowHeight) - 1);
    switch (event.key) {
      case 'ArrowDown':
        move(at, 1);
        break;
      case 'ArrowUp':
        if (at > 0) move(at, -1);
        else if (at < 0) move(rows.length, -1);
        break;
      case 'PageDown':
        move(Math.min(rows.length - 2, at + page - 1), 1);
        break;
      case 'PageUp':
        move(Math.max(1, at - page + 1), -1);
        break;
      case 'Home':
        move(-1, 1);
        break;
      case 'End':
        move(rows.length, -1);
        break;
      default:
        return;
    }
    event.preventDefault();
  };

  return (
    <div
      ref={box}
      className="ph-grid"
      role="grid"
      aria-label={label}
      aria-rowcount={rows.length + (hideHead ? 0 : 1)}
      aria-colcount={shown.length}
      aria-activedescendant={at >= 0 && items.some((item) => item.index === at) ? `${base}-${at}` : undefined}
      tabIndex={0}
      onKeyDown={key}
    >
      {!hideHead && (
        <div role="rowgroup" className="ph-gridhead">
          <div role="row" className="ph-gridrow" style={tracks} aria-rowindex={1}>
            {shown.map((column) => (
              <div key={column.key} role="columnheader" aria-sort={column.sort} className={column.end ? 'end' : undefined}>
                {column.head}
              </div>
            ))}
          </div>
        </div>
      )}
      <div role="rowgroup" className="ph-gridbody" style={{ height: virtual.getTotalSize() }}>
        {items.map((item) => {
          const row = rows[item.index]!;
          const heading = group?.(row);
          const chosen = item.index === at;
          return (
            // Keys are handled once, on the grid; a pointer chooses a row.
            // eslint-disable-next-line jsx-a11y/click-events-have-key-events, jsx-a11y/interactive-supports-focus
            <div
              key={item.key}
              id={`${base}-${item.index}`}
              role="row"
              aria-rowindex={item.index + (hideHead ? 1 : 2)}
              aria-selected={heading ? undefined : chosen}
              className={`ph-gridrow${heading ? ' group' : ''}${chosen ? ' chosen' : ''}${rowTone?.(row) ? ` ${rowTone(row)}` : ''}`}
              style={{ ...(heading ? {} : tracks), height: item.size, transform: `translateY(${item.start}px)` }}
              data-testid={heading ? undefined : rowTestId}
              data-key={rowKey(row)}
              onClick={heading ? undefined : () => onSelect?.(row)}
            >
              {heading ? (
                <div role="gridcell" aria-colspan={shown.length}>
                  {heading}
                </div>
              ) : (
                shown.map((column) => (
                  <div key={column.key} role="gridcell" className={column.end ? 'end' : undefined}>
                    {column.cell(row)}
                  </div>
                ))
              )}
            </div>
          );
        })}
      </div>
      {foot && (
        <div role="presentation" className="ph-gridfoot">
          {foot}
        </div>
      )}
    </div>
  );
}
