/** When something stops being of use: how long is left, and how urgent that is. */
import { useT } from '../i18n/t';
import { relative, stamp } from '../lib/format';
import { useNow } from '../lib/now';
import { Icon } from './icon';

const DAY = 86_400_000;

/** Gone, soon (within a week), or fine. Pure. */
export const urgency = (at: number, now: number): 'gone' | 'soon' | 'fine' => (at <= now ? 'gone' : at - now < 7 * DAY ? 'soon' : 'fine');

export function Expiry({ at }: { at: number }) {
  const { t, lang } = useT();
  const now = useNow();
  const how = urgency(at, now);
  const words = relative(at, now, lang);
  return (
    <time dateTime={new Date(at).toISOString()} title={stamp(at)} className={`ph-num ph-expiry ${how === 'gone' ? 'ph-tone-bad' : how === 'soon' ? 'ph-tone-warn' : ''}`}>
      {how !== 'fine' && <Icon name={how === 'gone' ? 'fail' : 'clock'} size={12} />}
      {how === 'gone' ? t('expiry.gone', { when: words }) : words}
    </time>
  );
}
