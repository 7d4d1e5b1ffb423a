/** Whether a secret is left in any file that clusters came from, its backups, or the key files it named. */
import { Button } from '@mantine/core';
import { useEffect } from 'react';
import { useT } from '@/shared/i18n/t';
import { go } from '@/shared/lib/route';
import { Icon } from '@/shared/ui/icon';
import { IconButton } from '@/shared/ui/parts';
import { FaultView, Loading } from '@/shared/ui/states';
import { useVerify } from './api';
import { Findings } from './parts';

export function VerifyPanel() {
  const { t } = useT();
  const { mutate, data, error, isPending } = useVerify();
  const run = () => mutate({ files: [] });
  useEffect(() => mutate({ files: [] }), [mutate]);
  return (
    <section className="ph-panel" aria-label={t('clusters.verify')} data-testid="verify-panel">
      <header className="ph-panelhead">
        <h2 className="ph-grow">{t('clusters.verify')}</h2>
        <Button leftSection={<Icon name="refresh" size={14} />} loading={isPending} onClick={run} data-testid="verify-again">
          {t('clusters.verifyAgain')}
        </Button>
        <IconButton icon="close" label={t('common.closePanel')} onClick={() => go(['clusters'])} />
      </header>
      <div className="ph-scroll ph-pad">
        <div className="ph-stack">
          <p className="ph-muted">{t('clusters.verifyHint')}</p>
          {error && <FaultView fault={error} onRetry={run} />}
          {isPending && !data && <Loading rows={3} />}
          {data && <Findings found={data} />}
        </div>
      </div>
    </section>
  );
}
