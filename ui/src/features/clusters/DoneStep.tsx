/** What the import did: kept, refused, rewritten, and whether a secret is left behind. */
import { Button } from '@mantine/core';
import { useEffect } from 'react';
import { useT } from '@/shared/i18n/t';
import { go } from '@/shared/lib/route';
import { sentence } from '@/shared/lib/format';
import { visible } from '@/shared/lib/visible';
import { FaultView, Loading } from '@/shared/ui/states';
import { useVerify, type ClusterImportRes } from './api';
import { ConnectStep } from './ConnectStep';
import { Findings } from './parts';

export function DoneStep({ done }: { done: ClusterImportRes }) {
  const { t, say } = useT();
  const { mutate, data, error, isPending } = useVerify();
  const key = done.files.join('\n');
  useEffect(() => {
    if (key !== '') mutate({ files: key.split('\n') });
  }, [mutate, key]);
  const only = done.clusters.length === 1 ? done.clusters[0] : undefined;
  return (
    <div className="ph-editor" data-testid="wizard-done">
      <div className="ph-scroll ph-pad">
        <div className="ph-stack ph-wizard">
          <h2>{t('wizard.imported', { count: done.clusters.length })}</h2>
          <ConnectStep done={done} />
          {done.refused.length > 0 && (
            <>
              <h2>{t('wizard.notDone', { count: done.refused.length })}</h2>
              <ul className="ph-contexts">
                {done.refused.map((one) => (
                  <li key={one.context} data-testid="wizard-refused">
                    <strong>{visible(one.context)}</strong>
                    <span className="ph-break">{sentence(say(one.reason))}</span>
                  </li>
                ))}
              </ul>
            </>
          )}
          {done.files.length > 0 && (
            <>
              <h2>{t('wizard.left')}</h2>
              {isPending && !data && <Loading rows={2} />}
              {error && <FaultView fault={error} onRetry={() => mutate({ files: done.files })} />}
              {data && <Findings found={data} />}
            </>
          )}
        </div>
      </div>
      <footer className="ph-editorfoot">
        <span className="ph-grow" />
        <Button variant="filled" onClick={() => go(only ? ['clusters', only.id] : ['clusters'])} data-testid="wizard-finish">
          {only ? t('wizard.openOne') : t('wizard.openAll')}
        </Button>
      </footer>
    </div>
  );
}
