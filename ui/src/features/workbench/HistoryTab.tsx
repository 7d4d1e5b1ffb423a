/** What was applied, and the way back. */
import { Button, Modal } from '@mantine/core';
import { useState } from 'react';
import { useChange } from '@/ipc/query';
import { useT } from '@/shared/i18n/t';
import { visible } from '@/shared/lib/visible';
import { Chip, type Tone } from '@/shared/ui/chips';
import { ClusterName } from '@/shared/ui/cluster-name';
import { Icon, type IconName } from '@/shared/ui/icon';
import { Ago, Notice } from '@/shared/ui/parts';
import { Empty, FaultView, Loading } from '@/shared/ui/states';
import { tell } from '@/shared/ui/toasts';
import { useKept, type UiFault, type WbPastView } from './api';
import { titleOf } from './manifest';
import { useBench, useClusterOf } from './use-bench';

const STATES: Record<string, [Tone, IconName]> = { applying: ['run', 'busy'], applied: ['ok', 'ok'], waiting: ['ask', 'clock'], undoing: ['run', 'busy'], undone: ['idle', 'history'] };

export function HistoryTab() {
  const { t } = useT();
  const kept = useKept();
  if (!kept.data) return kept.error ? <FaultView fault={kept.error} onRetry={() => void kept.refetch()} /> : <Loading rows={4} />;
  if (kept.data.length === 0)
    return (
      <Empty icon="history" title={t('workbench.noHistory')} testId="no-history">
        {t('workbench.noHistoryHint')}
      </Empty>
    );
  return (
    <div className="ph-stack">
      {kept.error && <FaultView fault={kept.error} compact mild onRetry={() => void kept.refetch()} />}
      <ul className="ph-keptlist">
        {kept.data.map((one) => (
          <Kept key={one.id} kept={one} />
        ))}
      </ul>
    </div>
  );
}

function Kept({ kept }: { kept: WbPastView }) {
  const { t, say, word } = useT();
  const [, bench] = useBench();
  const cluster = useClusterOf(kept.cluster);
  const undo = useChange('wb_undo');
  const confirm = useChange('wb_confirm');
  const [fault, setFault] = useState<UiFault | null>(null);
  const [forcing, setForcing] = useState(false);
  const [tone, icon] = STATES[kept.state] ?? (['idle', 'info'] as [Tone, IconName]);
  const back = (force: boolean) => {
    setFault(null);
    undo.mutate(
      { id: kept.id, force },
      {
        onSuccess: () => {
          setForcing(false);
          tell(t('workbench.reverted'));
          bench.undone(kept);
        },
        onError: (why) => {
          setForcing(false);
          setFault(why);
        },
      },
    );
  };
  const can = kept.state === 'applied' || kept.state === 'waiting';
  const shown = kept.objects.slice(0, 6);
  return (
    <li data-testid="kept" data-state={kept.state} data-key={kept.id}>
      <div className="ph-row wrap">
        <Chip tone={tone} icon={icon}>
          {word('workbench.keptState', kept.state)}
        </Chip>
        {cluster ? <ClusterName name={cluster.name} colour={cluster.colour} strong={false} /> : <span className="ph-muted">{t('workbench.goneCluster')}</span>}
        <span className="ph-muted">
          <Ago at={kept.appliedAt} />
        </span>
        <span className="ph-grow" />
        {kept.state === 'waiting' && (
          <Button size="compact-xs" loading={confirm.isPending} onClick={() => confirm.mutate({ id: kept.id }, { onSuccess: () => tell(t('workbench.confirmed')), onError: setFault })} data-testid="kept-confirm">
            {t('workbench.confirm')}
          </Button>
        )}
        {can && (
          <Button size="compact-xs" loading={undo.isPending && !forcing} onClick={() => back(false)} leftSection={<Icon name="history" size={12} />} data-testid="kept-undo">
            {t('workbench.undo')}
          </Button>
        )}
      </div>
      <ul className="ph-keptobjects">
        {shown.map((one) => (
          <li key={`${one.object.kind}/${one.object.name}/${one.object.namespace ?? ''}`} className="ph-row">
            <span className="ph-muted">{one.applied ? word('workbench.did', one.action) : t('workbench.notDone')}</span>
            <span className="ph-cut">{visible(titleOf(one.object))}</span>
            {one.object.namespace !== null && <span className="ph-faint ph-cut">{visible(one.object.namespace)}</span>}
          </li>
        ))}
        {kept.objects.length > shown.length && <li className="ph-muted">{t('workbench.moreObjects', { count: kept.objects.length - shown.length })}</li>}
      </ul>
      {kept.trouble && (
        <Notice tone="warn" testId="kept-trouble">
          {visible(say(kept.trouble))}
        </Notice>
      )}
      {fault && (
        <FaultView
          fault={fault}
          compact
          actions={
            fault.code === 'undo_refused' ? (
              <Button onClick={() => setForcing(true)} data-testid="undo-force">
                {t('workbench.undoForce')}
              </Button>
            ) : undefined
          }
        />
      )}
      <Modal opened={forcing} onClose={() => setForcing(false)} title={t('workbench.forceTitle')} size="md" closeButtonProps={{ 'aria-label': t('common.close') }}>
        <div className="ph-stack">
          <Notice tone="bad" icon="warn" title={t('workbench.forceWarning', { name: visible(cluster?.name ?? kept.cluster) })}>
            {t('workbench.forceText')}
          </Notice>
          {fault && <div className="ph-break">{visible(say(fault.message))}</div>}
          <div className="ph-row ph-modalfoot">
            <Button onClick={() => setForcing(false)} data-autofocus>
              {t('common.cancel')}
            </Button>
            <Button variant="filled" color="red" loading={undo.isPending} onClick={() => back(true)} data-testid="confirm-yes">
              {t('workbench.undoForce')}
            </Button>
          </div>
        </div>
      </Modal>
    </li>
  );
}
