/** Draft → Validate → Rehearse → Approve → Apply: where one is, why one cannot go on, and what goes back by itself unless it is confirmed. */
import { Button, Select } from '@mantine/core';
import { useEffect } from 'react';
import { useChange } from '@/ipc/query';
import { usePrefs } from '@/ipc/prefs';
import { maybe, useT } from '@/shared/i18n/t';
import { clock, duration, sentence } from '@/shared/lib/format';
import { useNow } from '@/shared/lib/now';
import { visible } from '@/shared/lib/visible';
import { Icon, type IconName } from '@/shared/ui/icon';
import { tell, tellFault } from '@/shared/ui/toasts';
import { useKept, type WbPastView } from './api';
import { look, STEPS, type Standing, type Why } from './steps';
import { step } from './step';
import { useBench, useClusterOf } from './use-bench';

const WITHIN = ['off', '120', '600', '1800'];

export function Bar({ now }: { now: Standing }) {
  const { t } = useT();
  const [state, bench] = useBench();
  const { boot } = usePrefs();
  const cluster = useClusterOf(state.target.cluster);
  const mod = boot.platform === 'macos' ? '⌘' : 'Ctrl';
  const name = visible(cluster?.name ?? '');
  const blocked = now.action === null && now.busy === null && !now.done;
  const label =
    now.action === 'check' ? t('workbench.act.check') : now.at === 'approve' ? t('workbench.act.approve', { count: now.count }) : now.at === 'apply' ? t('workbench.act.apply', { count: now.count, name }) : state.rehearsal || state.rehearseFault ? t('workbench.act.again') : t('workbench.act.rehearse');
  const busy = now.busy === 'checking' ? state.checking : now.busy === 'rehearsing' ? state.rehearsing : now.busy === 'applying' ? state.applying : null;
  return (
    <footer className="ph-benchfoot">
      <Waits />
      <div className="ph-benchbar" data-testid="bench-bar" data-at={now.at} data-state={now.done ? 'done' : now.busy ? 'busy' : blocked ? 'blocked' : 'ready'}>
        <ol className="ph-benchsteps" aria-label={t('workbench.steps')}>
          {STEPS.map((one) => {
            const how = look(one, now);
            const icon: IconName = how === 'past' ? 'ok' : how === 'ahead' ? 'idle' : now.busy ? 'busy' : blocked || (now.why !== null && now.why !== undefined && 'fault' in now.why) ? 'lock' : 'chevronRight';
            return (
              <li key={one} className={how} aria-current={how === 'here' ? 'step' : undefined} data-testid={`step-${one}`} data-state={how}>
                <Icon name={icon} size={13} />
                {t(`workbench.step.${one}`)}
                <span className="ph-sr">{t(`workbench.stepState.${how === 'here' ? (now.busy ? 'busy' : blocked ? 'blocked' : 'here') : how}`)}</span>
              </li>
            );
          })}
        </ol>
        <span className={`ph-grow ph-benchwhy${now.why && 'fault' in now.why ? ' bad' : ''}`} role="status" data-testid="bench-why">
          <Reason why={now.why} now={now} />
          {busy !== null && <Since at={busy} />}
        </span>
        {(now.at === 'approve' || now.at === 'apply') && !now.done && now.busy === null && (
          <Select
            className="ph-benchwithin"
            aria-label={t('workbench.within')}
            title={t('workbench.withinHint')}
            data={WITHIN.map((one) => ({ value: one, label: one === 'off' ? t('workbench.withinOff') : t('workbench.withinMinutes', { count: Number(one) / 60 }) }))}
            value={state.within === null ? 'off' : String(state.within)}
            onChange={(next) => bench.confirmWithin(next === null || next === 'off' ? null : Number(next))}
            allowDeselect={false}
            comboboxProps={{ position: 'top-end' }}
            data-testid="bench-within"
          />
        )}
        {now.at === 'apply' && now.action === 'apply' && (
          <Button onClick={() => bench.approve(false)} data-testid="bench-unapprove">
            {t('workbench.unapprove')}
          </Button>
        )}
        {now.busy === 'rehearsing' || now.busy === 'checking' ? (
          <Button onClick={now.busy === 'rehearsing' ? bench.stopRehearsing : bench.stopChecking} leftSection={<Icon name="stop" size={14} />} data-testid="bench-cancel">
            {t('common.cancel')}
          </Button>
        ) : (
          <Button
            variant="filled"
            color={now.at === 'apply' && cluster?.colour === 'red' ? 'red' : undefined}
            disabled={now.action === null}
            loading={now.busy === 'applying'}
            onClick={() => step(bench, now)}
            title={`${mod} Enter`}
            data-testid="bench-next"
          >
            {now.done ? t('workbench.act.applied') : label}
          </Button>
        )}
      </div>
    </footer>
  );
}

/** How long it has been under way, once that is noticeable. */
function Since({ at }: { at: number }) {
  const now = useNow();
  return now - at < 2000 ? null : <span className="ph-num ph-muted"> {duration(now - at)}</span>;
}

function Reason({ why, now }: { why: Why | null; now: Standing }) {
  const { t, say } = useT();
  const [state] = useBench();
  const cluster = useClusterOf(state.target.cluster);
  if (now.busy === 'rehearsing') return <>{t('workbench.why.rehearsing', { name: visible(cluster?.name ?? '') })}</>;
  if (now.busy === 'applying') return <>{t('workbench.why.applying', { count: now.count })}</>;
  if (now.done && state.applied) return <>{t('workbench.why.applied', { count: now.count, at: clock(state.applied.at) })}</>;
  if (why && 'fault' in why) {
    const text = sentence(say(why.fault.message));
    return <span title={text}>{text}</span>;
  }
  if (why) {
    const values = Object.fromEntries(Object.entries(why.values ?? {}).map(([key, value]) => [key, typeof value === 'string' ? visible(value) : value]));
    const text = (t as unknown as (key: string, values: object) => string)(`workbench.why.${why.key}`, values);
    return <span title={text}>{text}</span>;
  }
  if (now.at === 'approve' || now.at === 'apply') return <Lasts />;
  return <>{maybe(`workbench.next.${now.at}`) ?? ''}</>;
}

/** Until when what was rehearsed can be applied. */
function Lasts() {
  const { t } = useT();
  const [state] = useBench();
  const now = useNow();
  const until = state.rehearsal?.view.expiresAt ?? 0;
  const left = until - now;
  return (
    <span className={`ph-num${left < 120_000 ? ' ph-tone-warn' : ''}`} title={t('workbench.lastsHint', { at: clock(until) })} data-testid="bench-lasts">
      {t('workbench.lasts', { left: minutes(left) })}
    </span>
  );
}

/** `9:32`. */
export const minutes = (ms: number): string => {
  const all = Math.max(0, Math.ceil(ms / 1000));
  return `${Math.floor(all / 60)}:${String(all % 60).padStart(2, '0')}`;
};

/** Changes that go back unless somebody confirms them, whoever applied them and when. */
function Waits() {
  const kept = useKept();
  const waiting = (kept.data ?? []).filter((one) => one.state === 'waiting' && one.confirmUntil !== null);
  return waiting.map((one) => <Wait key={one.id} kept={one} again={() => void kept.refetch()} />);
}

function Wait({ kept, again }: { kept: WbPastView; again: () => void }) {
  const { t } = useT();
  const [, bench] = useBench();
  const cluster = useClusterOf(kept.cluster);
  const now = useNow();
  const confirm = useChange('wb_confirm');
  const undo = useChange('wb_undo');
  const left = (kept.confirmUntil ?? 0) - now;
  const over = left <= 0;
  useEffect(() => {
    if (!over) return;
    // The core takes it back; whether it could is read until it says so.
    const timer = setInterval(again, 2000);
    return () => clearInterval(timer);
  }, [over, again]);
  const name = visible(cluster?.name ?? kept.cluster);
  return (
    <div className="ph-strip ph-benchwait" role="status" data-testid="bench-wait" data-key={kept.id}>
      <Icon name="clock" size={13} />
      <span className="ph-grow ph-num">{over ? t('workbench.goesBackNow', { name }) : t('workbench.goesBack', { name, count: kept.objects.length, left: minutes(left) })}</span>
      <Button
        size="compact-xs"
        disabled={over}
        loading={confirm.isPending}
        onClick={() => confirm.mutate({ id: kept.id }, { onSuccess: () => tell(t('workbench.confirmed')), onError: tellFault })}
        data-testid="wait-confirm"
      >
        {t('workbench.confirm')}
      </Button>
      <Button
        size="compact-xs"
        disabled={over}
        loading={undo.isPending}
        onClick={() =>
          undo.mutate(
            { id: kept.id, force: false },
            {
              onSuccess: () => {
                tell(t('workbench.reverted'));
                bench.undone(kept);
              },
              onError: (fault) => {
                tellFault(fault);
                bench.show('history');
              },
            },
          )
        }
        data-testid="wait-revert"
      >
        {t('workbench.revertNow')}
      </Button>
    </div>
  );
}
