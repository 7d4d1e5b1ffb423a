/** The end of an import: clusters that were just taken, and whether they answer. Nothing is reached before the button is pressed. */
import { Button } from '@mantine/core';
import { useT } from '@/shared/i18n/t';
import { href } from '@/shared/lib/route';
import { visible } from '@/shared/lib/visible';
import { Chip } from '@/shared/ui/chips';
import { Icon } from '@/shared/ui/icon';
import { FaultView } from '@/shared/ui/states';
import { tellFault } from '@/shared/ui/toasts';
import { useCheck, useClusters, type ClusterImportRes } from './api';
import { ClusterName, ReachChip } from './parts';

export function ConnectStep({ done }: { done: ClusterImportRes }) {
  const { t, word } = useT();
  const clusters = useClusters();
  const check = useCheck();
  if (done.clusters.length === 0) return null;
  const known = (id: string) => clusters.data?.clusters.find((one) => one.id === id);
  return (
    <div className="ph-stack" data-testid="wizard-connect">
      <ul className="ph-rows">
        {done.clusters.map((one) => {
          const reach = known(one.id)?.reach;
          return (
            <li key={one.id} data-testid="wizard-imported" data-key={one.id} data-state={reach?.state}>
              <a href={href(['clusters', one.id])}>
                <span className="ph-grow">
                  <ClusterName name={one.context} />
                  <code className="ph-muted ph-cut">{visible(one.server)}</code>
                </span>
                {reach && reach.state !== 'unknown' && <ReachChip reach={reach} />}
                {reach?.state === 'reachable' && (
                  <span className="ph-muted ph-cut">
                    {[reach.version, reach.user].filter((part) => part !== null).map((part) => visible(part)).join(' · ')}
                  </span>
                )}
                {one.rewritten && (
                  <Chip tone="ok" icon="shield">
                    {t('clusters.rewritten')}
                  </Chip>
                )}
                <span className="ph-muted">{word('clusterAuth', one.auth)}</span>
                <Icon name="chevronRight" size={13} />
              </a>
              {reach?.state === 'failed' && reach.fault && <FaultView fault={reach.fault} compact />}
            </li>
          );
        })}
      </ul>
      <div className="ph-row wrap">
        <Button
          leftSection={<Icon name="plug" size={14} />}
          loading={check.isPending}
          onClick={() => check.mutate({ ids: done.clusters.map((one) => one.id) }, { onError: tellFault })}
          data-testid="wizard-check"
        >
          {t('wizard.check', { count: done.clusters.length })}
        </Button>
        <span className="ph-muted">{t('wizard.checkHint')}</span>
      </div>
    </div>
  );
}
