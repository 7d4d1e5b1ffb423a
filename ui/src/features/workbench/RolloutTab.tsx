/** How what was applied comes up, and why it does not. */
import { Button } from '@mantine/core';
import { useT } from '@/shared/i18n/t';
import { duration } from '@/shared/lib/format';
import { useNow } from '@/shared/lib/now';
import { visible } from '@/shared/lib/visible';
import { Chip, type Tone } from '@/shared/ui/chips';
import { Icon, type IconName } from '@/shared/ui/icon';
import { Empty, FaultView } from '@/shared/ui/states';
import type { WbOutlineView } from './api';
import type { Watched } from './bench';
import { rolls, titleOf } from './manifest';
import { useBench, useClusterOf } from './use-bench';

const STATES: Record<string, [Tone, IconName]> = { done: ['ok', 'ok'], progressing: ['run', 'busy'], trouble: ['warn', 'warn'], failed: ['bad', 'fail'] };

export function RolloutTab() {
  const { t } = useT();
  const [state, bench] = useBench();
  const { cluster, namespace } = state.target;
  const own = useClusterOf(cluster);
  const here = (state.check?.view?.outline ?? []).filter((part: WbOutlineView) => part.name !== null && rolls({ apiVersion: part.apiVersion, kind: part.kind, namespace: part.namespace, name: part.name }));
  const watch = () => bench.follow(cluster!, here.map((part) => ({ apiVersion: part.apiVersion, kind: part.kind, namespace: part.namespace ?? namespace, name: part.name! })));
  if (state.watched.length === 0)
    return (
      <Empty
        icon="activity"
        title={t('workbench.noRollout')}
        testId="no-rollout"
        action={
          cluster !== null && own && here.length > 0 ? (
            <Button onClick={watch} data-testid="watch-rollout">
              {t('workbench.watchThese', { count: here.length })}
            </Button>
          ) : undefined
        }
      >
        {t('workbench.noRolloutHint')}
      </Empty>
    );
  return (
    <ul className="ph-rollouts">
      {state.watched.map((one) => (
        <Rollout key={one.key} watched={one} />
      ))}
    </ul>
  );
}

function Rollout({ watched }: { watched: Watched }) {
  const { t, say, word } = useT();
  const [, bench] = useBench();
  const cluster = useClusterOf(watched.cluster);
  const now = useNow();
  const { view, object } = watched;
  const name = view?.state ?? 'progressing';
  // What does not come up is not simply under way.
  const shown = name === 'progressing' && (view?.reasons.length ?? 0) > 0 ? 'trouble' : name;
  const [tone, icon] = STATES[shown] ?? (['idle', 'info'] as [Tone, IconName]);
  return (
    <li data-testid="rollout" data-state={name} data-running={watched.running}>
      <div className="ph-row wrap">
        <Chip tone={tone} icon={shown === 'progressing' && !watched.running ? 'idle' : icon}>
          {word('workbench.rolloutState', shown)}
        </Chip>
        <strong className="ph-cut">{visible(titleOf(object))}</strong>
        <span className="ph-muted ph-cut">
          {visible(cluster?.name ?? watched.cluster)}
          {object.namespace !== null && ` · ${visible(object.namespace)}`}
        </span>
        <span className="ph-grow" />
        {view && (
          <span className="ph-num" data-testid="rollout-count">
            {t('workbench.readyOf', { ready: view.ready, updated: view.updated, wanted: view.wanted })}
          </span>
        )}
        {watched.running ? (
          <>
            <span className="ph-muted ph-num">{duration(Math.max(0, now - watched.since))}</span>
            <Button size="compact-xs" onClick={() => bench.stopWatching(watched.key)} data-testid="rollout-stop">
              {t('workbench.stopWatching')}
            </Button>
          </>
        ) : (
          <Button size="compact-xs" onClick={() => bench.follow(watched.cluster, [object])} leftSection={<Icon name="refresh" size={12} />} data-testid="rollout-again">
            {t('workbench.watchAgain')}
          </Button>
        )}
      </div>
      {view && view.wanted > 0 && <progress className="ph-rolloutbar" value={Math.min(view.ready, view.updated, view.wanted)} max={view.wanted} aria-label={t('workbench.readyOf', { ready: view.ready, updated: view.updated, wanted: view.wanted })} />}
      {watched.fault && <FaultView fault={watched.fault} compact mild />}
      {view && <p className="ph-break">{visible(say(view.message))}</p>}
      {view && view.reasons.length > 0 && (
        <ul className="ph-reasons">
          {view.reasons.map((one, index) => (
            <li key={index} className="ph-row top" data-testid="rollout-reason">
              <Icon name="warn" size={13} className="ph-tone-bad" />
              <span className="ph-break">
                <strong>{visible(one.reason)}</strong> <span className="ph-muted">{visible([one.pod, one.container].filter(Boolean).join(' · '))}</span>
                <br />
                {visible(one.message)}
              </span>
            </li>
          ))}
        </ul>
      )}
    </li>
  );
}
