/** States, risks and endings: a colour never without its icon and word. */
import { useT } from '../i18n/t';
import { Icon, type IconName } from './icon';

export type Tone = 'ok' | 'warn' | 'bad' | 'run' | 'ask' | 'idle';

const STATES: Record<string, [Tone, IconName]> = {
  connected: ['ok', 'ok'],
  connecting: ['run', 'busy'],
  degraded: ['warn', 'warn'],
  error: ['bad', 'fail'],
  needs_review: ['ask', 'person'],
  disconnected: ['idle', 'idle'],
  disabled: ['idle', 'off'],
};

const ENDINGS: Record<string, [Tone, IconName]> = {
  running: ['run', 'busy'],
  done: ['ok', 'ok'],
  tool_error: ['bad', 'warn'],
  fault: ['bad', 'fail'],
  cancelled: ['idle', 'stop'],
  interrupted: ['warn', 'warn'],
  refused: ['bad', 'lock'],
  note: ['idle', 'info'],
};

const RISKS: Record<string, [Tone, IconName]> = {
  safe: ['ok', 'shield'],
  low: ['idle', 'shield'],
  medium: ['warn', 'warn'],
  high: ['bad', 'warn'],
};

const VERDICTS: Record<string, [Tone, IconName]> = {
  allow: ['ok', 'check'],
  ask: ['ask', 'person'],
  deny: ['bad', 'lock'],
};

type ChipProps = { tone: Tone; icon?: IconName; children: React.ReactNode; quiet?: boolean; title?: string };

/** A word on a soft ground; `quiet` is the word alone, for rows. */
export function Chip({ tone, icon, children, quiet, title }: ChipProps) {
  return (
    <span className={`ph-chip ${tone}${quiet ? ' quiet' : ''}`} title={title}>
      {icon && <Icon name={icon} size={13} />}
      <span className="ph-cut">{children}</span>
    </span>
  );
}

type ValueChip = { value: string; quiet?: boolean };

function fromTable(table: Record<string, [Tone, IconName]>, group: string) {
  return function ValueChip({ value, quiet }: ValueChip) {
    const { word } = useT();
    const [tone, icon] = table[value] ?? (['idle', 'info'] as [Tone, IconName]);
    return (
      <Chip tone={tone} icon={icon} quiet={quiet}>
        {word(group, value)}
      </Chip>
    );
  };
}

export const StateChip = fromTable(STATES, 'state');
export const EndingChip = fromTable(ENDINGS, 'ending');
export const RiskChip = fromTable(RISKS, 'risk');
export const VerdictChip = fromTable(VERDICTS, 'verdict');

export const toneOfState = (state: string): Tone => STATES[state]?.[0] ?? 'idle';
export const iconOfState = (state: string): IconName => STATES[state]?.[1] ?? 'info';
