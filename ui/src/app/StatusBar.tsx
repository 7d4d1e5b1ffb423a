/** What is going on, always true, each part a way to more. */
import { useEffect, useState } from 'react';
import { NOTHING, useRead } from '@/ipc/query';
import { useT } from '@/shared/i18n/t';
import { questionsOpen } from '@/shared/lib/flag';
import { go } from '@/shared/lib/route';
import { iconOfState, toneOfState } from '@/shared/ui/chips';
import { Icon } from '@/shared/ui/icon';

const ORDER = ['connected', 'connecting', 'degraded', 'error', 'needs_review', 'disconnected', 'disabled'];

export const RUNNING = { text: null, ending: 'running', server: null, from: null, until: null, before: null, limit: 100 };

export function StatusBar() {
  const { t, word } = useT();
  const servers = useRead('server_list', NOTHING, { every: 60_000 });
  const running = useRead('activity_list', RUNNING, { keep: true });
  const questions = useRead('question_list', NOTHING);
  const vault = useRead('vault_get', NOTHING);
  const [utc, setUtc] = useState(false);

  const counts = new Map<string, number>();
  for (const row of servers.data ?? []) counts.set(row.state, (counts.get(row.state) ?? 0) + 1);
  const pending = questions.data?.length ?? 0;
  const calls = running.data?.length ?? 0;

  return (
    <footer className="ph-status" aria-label={t('status.label')}>
      <button type="button" className="ph-plain" onClick={() => go(['servers'])} data-testid="status-servers">
        {servers.data ? (
          <>
            <span>{t('status.servers', { count: servers.data.length })}</span>
            {ORDER.filter((state) => counts.has(state)).map((state) => (
              <span key={state} className={`state ${toneOfState(state)}`}>
                <Icon name={iconOfState(state)} size={12} />
                {counts.get(state)} {word('state', state)}
              </span>
            ))}
          </>
        ) : servers.error ? (
          <span className="state bad">
            <Icon name="fail" size={12} />
            {t('status.serversUnknown')}
          </span>
        ) : (
          <span>{t('common.loading')}</span>
        )}
      </button>
      <span className="ph-grow" />
      {pending > 0 && (
        <button type="button" className="ph-plain state ask" onClick={() => questionsOpen.set(true)} data-testid="status-questions">
          <Icon name="person" size={12} />
          {t('status.questions', { count: pending })}
        </button>
      )}
      {vault.data && (
        <button type="button" className="ph-plain" onClick={() => go(['settings'], { at: 'vault' })} data-testid="status-vault">
          <Icon name="lock" size={12} />
          {t('status.vault', { state: word('vaultState', vault.data.state === 'unlocked' && vault.data.kind === 'session' ? 'session' : vault.data.state) })}
        </button>
      )}
      <button type="button" className={`ph-plain${calls > 0 ? ' state run' : ''}`} onClick={() => go(['activity'], calls > 0 ? { ending: 'running' } : undefined)} data-testid="status-running">
        {calls > 0 && <Icon name="busy" size={12} />}
        {calls > 0 ? t('status.running', { count: calls }) : t('status.idle')}
      </button>
      <button type="button" className="ph-plain ph-num" onClick={() => setUtc(!utc)} title={t('status.timeHint')} data-testid="status-time">
        <Clock utc={utc} />
      </button>
    </footer>
  );
}

/** Minutes are enough: a bar that twitches each second costs attention and power. */
function Clock({ utc }: { utc: boolean }) {
  const [now, setNow] = useState(() => new Date());
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout>;
    const tick = () => {
      setNow(new Date());
      timer = setTimeout(tick, 60_000 - (Date.now() % 60_000) + 20);
    };
    timer = setTimeout(tick, 60_000 - (Date.now() % 60_000) + 20);
    return () => clearTimeout(timer);
  }, []);
  const two = (value: number) => String(value).padStart(2, '0');
  return <>{utc ? `${two(now.getUTCHours())}:${two(now.getUTCMinutes())} UTC` : `${two(now.getHours())}:${two(now.getMinutes())}`}</>;
}
