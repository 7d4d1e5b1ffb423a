/** The program that gives a cluster's credential: shown exactly as it stands on this machine before it may run, and forbidden again. */
import { Button } from '@mantine/core';
import { useState } from 'react';
import { useT } from '@/shared/i18n/t';
import { visible } from '@/shared/lib/visible';
import { Chip } from '@/shared/ui/chips';
import { Facts, Ident, Notice } from '@/shared/ui/parts';
import { Failed, Loading } from '@/shared/ui/states';
import { usePlugin, type ClusterDetail } from './api';
import { Program } from './parts';

type Props = { cluster: ClusterDetail; busy: boolean; onTrust: (trust: string, done?: () => void) => void };

export function TrustProgram({ cluster, busy, onTrust }: Props) {
  const { t } = useT();
  const [looking, setLooking] = useState(false);
  return (
    <div className="ph-stack tight" data-testid="cluster-trust">
      <div className="ph-row wrap">
        {cluster.trusted ? (
          <Chip tone="ok" icon="check">
            {t('clusters.trusted')}
          </Chip>
        ) : (
          <Chip tone="ask" icon="person">
            {t('clusters.untrusted')}
          </Chip>
        )}
        <span className="ph-grow" />
        {cluster.trusted && (
          <Button loading={busy} onClick={() => onTrust('')} data-testid="trust-away">
            {t('edit.trustAway')}
          </Button>
        )}
        <Button onClick={() => setLooking(!looking)} data-testid="trust-look">
          {cluster.trusted ? t('edit.trustAgain') : t('edit.trustLook')}
        </Button>
      </div>
      {looking && <Look cluster={cluster} busy={busy} onTrust={(trust) => onTrust(trust, () => setLooking(false))} />}
    </div>
  );
}

function Look({ cluster, busy, onTrust }: Props) {
  const { t, say } = useT();
  const plugin = usePlugin(cluster.view.id);
  if (plugin.isPending) return <Loading rows={2} />;
  if (!plugin.data) return <Failed fault={plugin.error} onRetry={() => void plugin.refetch()} />;
  const found = plugin.data;
  return (
    <div className="ph-stack tight" data-testid="trust-shown">
      {cluster.exec && <Program exec={cluster.exec} />}
      <Facts rows={[[t('edit.programFile'), <code key="p" className="ph-break">{visible(found.program)}</code>], ['SHA-256', <Ident key="h" id={found.sha256} show={(found.sha256.match(/.{1,8}/g) ?? []).join(' ')} />]]} />
      {found.warnings.map((warning) => (
        <Notice key={warning.en} tone="warn">
          {say(warning)}
        </Notice>
      ))}
      <div className="ph-row">
        <Button variant="filled" loading={busy} onClick={() => onTrust(found.trust)} data-testid="trust-yes">
          {t('edit.trustYes')}
        </Button>
      </div>
    </div>
  );
}
