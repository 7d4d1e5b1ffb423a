/** What was said about programs that ask for credentials, when each last got one, and taking it back. */
import { Button } from '@mantine/core';
import { useState } from 'react';
import { useT } from '@/shared/i18n/t';
import { stamp } from '@/shared/lib/format';
import { go } from '@/shared/lib/route';
import { visible } from '@/shared/lib/visible';
import { Chip } from '@/shared/ui/chips';
import { Icon } from '@/shared/ui/icon';
import { Ago, Confirm, Facts, Ident, IconButton, Section } from '@/shared/ui/parts';
import { Empty, Failed, Loading } from '@/shared/ui/states';
import { tell, tellFault } from '@/shared/ui/toasts';
import { useConsents, useForget, type ConsentView } from './api';
import { ClusterName } from './parts';

export function ProgramsPanel() {
  const { t } = useT();
  const consents = useConsents();
  const forget = useForget();
  const [taking, setTaking] = useState<ConsentView | null>(null);
  return (
    <section className="ph-panel" aria-label={t('clusters.programs')} data-testid="programs-panel">
      <header className="ph-panelhead">
        <h2 className="ph-grow">{t('clusters.programs')}</h2>
        <IconButton icon="close" label={t('common.closePanel')} onClick={() => go(['clusters'])} />
      </header>
      <div className="ph-scroll ph-pad">
        <div className="ph-stack">
          <p className="ph-muted">{t('clusters.programsHint')}</p>
          {consents.isPending ? (
            <Loading rows={3} />
          ) : !consents.data ? (
            <Failed fault={consents.error} onRetry={() => void consents.refetch()} />
          ) : consents.data.length === 0 ? (
            <Empty icon="terminal" title={t('clusters.programsNone')}>
              {t('clusters.programsNoneHint')}
            </Empty>
          ) : (
            consents.data.map((one) => <Said key={`${one.program} ${one.clusterId ?? ''}`} one={one} onTake={() => setTaking(one)} />)
          )}
        </div>
      </div>
      <Confirm
        open={taking !== null}
        title={t('clusters.takeBackTitle')}
        action={t('clusters.takeBack')}
        busy={forget.isPending}
        onNo={() => setTaking(null)}
        onYes={() => {
          if (!taking) return;
          forget.mutate({ program: taking.program, clusterId: taking.clusterId }, { onSuccess: () => tell(t('clusters.tookBack')), onError: tellFault, onSettled: () => setTaking(null) });
        }}
      >
        <div className="ph-stack">
          <code className="ph-break">{visible(taking?.program ?? '')}</code>
          <span>{taking?.answer === 'deny' ? t('clusters.takeBackDeny') : t('clusters.takeBackHint')}</span>
        </div>
      </Confirm>
    </section>
  );
}

function Said({ one, onTake }: { one: ConsentView; onTake: () => void }) {
  const { t } = useT();
  const no = one.answer === 'deny';
  const word = one.answer === 'until' ? t('clusters.mayUntil', { at: stamp(one.until ?? 0) }) : no ? t('clusters.mayNot') : one.answer === 'once' ? t('clusters.mayOnce') : t('clusters.mayAlways');
  return (
    <Section title={one.cluster === null ? t('clusters.everyCluster') : <ClusterName name={one.cluster} />}>
      <div className="ph-stack tight" data-testid="consent-row" data-answer={one.answer}>
        <code className="ph-break">{visible(one.program)}</code>
        <div className="ph-row wrap">
          <Chip tone={no ? 'bad' : 'ok'} icon={no ? 'close' : 'check'}>
            {word}
          </Chip>
        </div>
        <Facts
          rows={[
            [t('clusters.said'), <Ago key="a" at={one.at} />],
            [t('clusters.lastUsed'), one.lastUsed === null ? <span key="l" className="ph-faint">{t('clusters.neverUsed')}</span> : <Ago key="l" at={one.lastUsed} />],
            ['SHA-256', <Ident key="h" id={one.sha256} show={one.sha256} />],
          ]}
        />
        <div className="ph-row">
          <Button leftSection={<Icon name="trash" size={14} />} onClick={onTake} data-testid="consent-take-back">
            {t('clusters.takeBack')}
          </Button>
        </div>
      </div>
    </Section>
  );
}
