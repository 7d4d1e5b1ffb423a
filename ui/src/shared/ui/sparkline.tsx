/** The last latencies as a line. */
import { useT } from '../i18n/t';
import { duration } from '../lib/format';

type Props = { values: readonly number[]; width?: number; height?: number };

/** The path of the line, and where its last point is. Pure. */
export function sparkPath(values: readonly number[], width: number, height: number): { line: string; area: string; last: [number, number] | null } {
  const points = values.filter((value) => Number.isFinite(value) && value >= 0);
  if (points.length === 0) return { line: '', area: '', last: null };
  const top = Math.max(...points);
  const low = Math.min(...points);
  // A server that is steady at 3 ms must not look like one that jumps: the line starts from zero unless values are far above it.
  const floor = low > top * 0.8 ? 0 : Math.min(low, top * 0.2);
  const span = top - floor || 1;
  const step = points.length > 1 ? width / (points.length - 1) : 0;
  const at = points.map((value, index): [number, number] => {
    const x = points.length > 1 ? index * step : width;
    const y = height - 1.5 - ((value - floor) / span) * (height - 3);
    return [round(x), round(y)];
  });
  const line = at.map(([x, y], index) => `${index === 0 ? 'M' : 'L'}${x} ${y}`).join('');
  const area = at.length > 1 ? `${line}L${round(width)} ${height}L0 ${height}Z` : '';
  return { line: at.length > 1 ? line : `M0 ${at[0]![1]}L${round(width)} ${at[0]![1]}`, area, last: at.at(-1)! };
}

const round = (value: number) => Math.round(value * 10) / 10;

export function Sparkline({ values, width = 96, height = 20 }: Props) {
  const { t } = useT();
  const { line, area, last } = sparkPath(values, width - 4, height);
  if (!last) return <span className="ph-faint">–</span>;
  const label = t('servers.sparkLabel', { n: values.length, last: duration(values.at(-1) ?? null), max: duration(Math.max(...values)) });
  return (
    <svg className="ph-spark" width={width} height={height} viewBox={`0 0 ${width} ${height}`} role="img" aria-label={label}>
      <title>{label}</title>
      {area && <path className="area" d={area} />}
      <path className="line" d={line} />
      <circle cx={last[0]} cy={last[1]} r={1.8} />
    </svg>
  );
}
