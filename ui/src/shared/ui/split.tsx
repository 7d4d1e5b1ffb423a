/** A list and what was chosen in it, side by side; the edge between them can be dragged or moved with the arrow keys. */
import { useRef, useState, type KeyboardEvent, type PointerEvent, type ReactNode } from 'react';
import { useT } from '../i18n/t';

type Props = { name: string; list: ReactNode; detail: ReactNode | null; initial?: number; min?: number };

const kept = (name: string, initial: number) => {
  const raw = Number(localStorage.getItem(`pilothouse.split.${name}`));
  return Number.isFinite(raw) && raw > 0 ? raw : initial;
};

export function Split({ name, list, detail, initial = 0.38, min = 260 }: Props) {
  const { t } = useT();
  const box = useRef<HTMLDivElement>(null);
  const [share, setShare] = useState(() => kept(name, initial));
  const set = (next: number) => {
    const width = box.current?.clientWidth || 1000;
    const low = Math.min(0.5, min / width);
    const high = Math.max(0.5, 1 - 380 / width);
    const fit = Math.min(high, Math.max(low, next));
    setShare(fit);
    localStorage.setItem(`pilothouse.split.${name}`, fit.toFixed(4));
  };
  const drag = (down: PointerEvent<HTMLDivElement>) => {
    down.preventDefault();
    const edge = down.currentTarget;
    edge.setPointerCapture(down.pointerId);
    const move = (event: globalThis.PointerEvent) => {
      const rect = box.current?.getBoundingClientRect();
      if (rect && rect.width > 0) set((event.clientX - rect.left) / rect.width);
    };
    const up = () => {
      edge.removeEventListener('pointermove', move);
      edge.removeEventListener('pointerup', up);
      edge.removeEventListener('pointercancel', up);
    };
    edge.addEventListener('pointermove', move);
    edge.addEventListener('pointerup', up);
    edge.addEventListener('pointercancel', up);
  };
  const key = (event: KeyboardEvent) => {
    if (event.key === 'ArrowLeft') set(share - 0.02);
    else if (event.key === 'ArrowRight') set(share + 0.02);
    else if (event.key === 'Home') set(0);
    else if (event.key === 'End') set(1);
    else return;
    event.preventDefault();
  };
  const now = Math.round(share * 100);
  // Shares of less than 1fr leave a gap where the other side is at its least width.
  return (
    <div ref={box} className="ph-split" style={detail ? { gridTemplateColumns: `minmax(${min}px, ${share * 100}fr) 1px minmax(340px, ${(1 - share) * 100}fr)` } : undefined}>
      <div className="ph-pane">{list}</div>
      {detail && (
        <>
          {/* A separator that can be focused is a widget: ARIA 1.2, "separator (focusable)". */}
          {/* eslint-disable-next-line jsx-a11y/no-noninteractive-element-interactions */}
          <div
            className="ph-edge"
            role="separator"
            aria-orientation="vertical"
            aria-label={t('common.resize')}
            aria-valuenow={now}
            aria-valuemin={10}
            aria-valuemax={90}
            // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex
            tabIndex={0}
            onPointerDown={drag}
            onKeyDown={key}
            onDoubleClick={() => set(initial)}
          />
          <div className="ph-pane ph-detail">{detail}</div>
        </>
      )}
    </div>
  );
}
