/** Whether the cluster answers: what it said last, for whom it takes us, and asking it now. */
import { Button } from '@mantine/core';
import { useT } from '@/shared/i18n/t';
import { visible } from '@/shared/lib/visible';
import { Icon } from '@/shared/ui/icon';
import { Ago, Facts, Notice, Section } from '@/shared/ui/parts';
import { FaultView } from '@/shared/ui/states';
import { tellFault } from '@/shared/ui/toasts';
import { useCheck, type ClusterView } from './api';
import { LastUse, ReachChip } from './parts';

export function ConnectionSection({ row }: { row: ClusterView }) {
  const { t } = useT();
  const check = useCheck();
  const reach = row.reach;
  const ask = () => check.mutate({ ids: [row.id] }, { onError: tellFault });
  const busy = check.isPending || reach.state === 'checking';
  const old = reach.state !== 'reachable' && reach.seenAt !== null;
  return (
    <Section
      title={t('reach.title')}
      testId="cluster-connection"
      aside={
        <Button size="compact-sm" leftSection={<Icon name="refresh" size={14} />} loading={busy} onClick={ask} data-testid="cluster-check">
          {t('reach.check')}
        </Button>
      }
    >
      <Facts
        rows={[
          [
            t('reach.state'),
            <span key="s" className="ph-row wrap" data-testid="cluster-state" data-state={reach.state}>
              <ReachChip reach={reach} />
              {reach.checkedAt !== null && (
                <span className="ph-muted">
                  <Ago at={reach.checkedAt} />
                </span>
              )}
            </span>,
          ],
          reach.version !== null && [t('reach.version'), <code key="v" data-testid="cluster-version">{visible(reach.version)}</code>],
          reach.platform !== null && [t('reach.platform'), <code key="p">{visible(reach.platform)}</code>],
          reach.user !== null && [t('reach.user'), <code key="u" className="ph-break" data-testid="cluster-user">{visible(reach.user)}</code>],
          reach.groups.length > 0 && [
            t('reach.groups'),
            <span key="g" className="ph-row wrap" data-testid="cluster-groups">
              {reach.groups.map((group) => (
                <code key={group} className="ph-tag">
                  {visible(group)}
                </code>
              ))}
            </span>,
          ],
          reach.latencyMs !== null && [t('reach.latency'), <span key="l" className="ph-num">{reach.latencyMs} ms</span>],
          old && reach.seenAt !== null && [t('reach.seen'), <Ago key="a" at={reach.seenAt} />],
          [t('clusters.lastUsed'), <LastUse key="w" row={row} />],
        ]}
      />
      {reach.state === 'unknown' && (
        <Notice tone="idle" icon="info">
          {old ? t('reach.oldHint') : t('reach.unknownHint')}
        </Notice>
      )}
      {reach.state === 'locked' && (
        <Notice tone="ask" icon="lock" testId="cluster-locked">
          {t('reach.lockedHint')}
        </Notice>
      )}
      {reach.state === 'failed' && reach.fault && <FaultView fault={reach.fault} onRetry={ask} />}
    </Section>
  );
}
