/** Live, draft, result of the rehearsal: two of them side by side, object by object. */
import { Button, SegmentedControl, Select } from '@mantine/core';
import { useMemo, useState } from 'react';
import { useT } from '@/shared/i18n/t';
import { visible } from '@/shared/lib/visible';
import { SplitDiff } from '@/shared/json/split-diff';
import { linesOf } from '@/shared/yaml-editor/text';
import { Icon } from '@/shared/ui/icon';
import { Empty, FaultView } from '@/shared/ui/states';
import { GivenUp, Waiting } from '@/shared/ui/waiting';
import { useLive, type WbChangeView, type WbOutlineView } from './api';
import { stale } from './bench';
import { Fields } from './RehearsalTab';
import { titleOf } from './manifest';
import { useBench, useClusterOf } from './use-bench';

const PAIRS = ['live-draft', 'draft-result', 'live-result'] as const;
type PairName = (typeof PAIRS)[number];

/** What a rehearsal says of a document. Pure. */
export function resultOf(part: WbOutlineView, changes: readonly WbChangeView[]): WbChangeView | null {
  return changes.find(({ object }) => object.apiVersion === part.apiVersion && object.kind === part.kind && object.name === part.name && (part.namespace === null || part.namespace === object.namespace)) ?? null;
}

export function DiffTab() {
  const { t } = useT();
  const [state] = useBench();
  const cluster = useClusterOf(state.target.cluster);
  const [chosen, setChosen] = useState<number | null>(null);
  const [wanted, setWanted] = useState<PairName>('live-draft');
  const outline = useMemo(() => (state.check?.view?.outline ?? []).filter((part) => part.kind !== '' && part.name !== null), [state.check]);
  const fresh = state.rehearsal !== null && stale(state) === null ? state.rehearsal : null;
  const part = outline.find((one) => one.document === chosen) ?? outline[0] ?? null;
  const result = part && fresh ? resultOf(part, fresh.view.changes) : null;
  // What was rehearsed knows what was live then; else the cluster is asked, and only while somebody looks.
  const known = result !== null && !fresh!.spent;
  const pair: PairName = result ? wanted : 'live-draft';
  const live = useLive(state.target.cluster, state.target.namespace, state.doc.rev, state.doc.text, part !== null && !known && pair !== 'draft-result');

  if (!part)
    return (
      <Empty icon="compare" title={t('workbench.noDiff')}>
        {t('workbench.noDiffHint')}
      </Empty>
    );
  if (state.target.cluster === null)
    return (
      <Empty icon="compare" title={t('workbench.why.noCluster')} testId="diff-no-cluster">
        {t('workbench.diffNeedsCluster')}
      </Empty>
    );
  const names = { live: t('workbench.side.live'), draft: t('workbench.side.draft'), result: t('workbench.side.result') };
  const now = known ? result.before : (live.data?.find((one) => one.document === part.document)?.yaml ?? null);
  const draft = linesOf(state.doc.text(), part.line, part.endLine).replace(/^---[^\n]*\n/, '');
  const texts = { live: now ?? '', draft, result: result?.after ?? '' };
  const [left, right] = pair.split('-') as ['live' | 'draft' | 'result', 'live' | 'draft' | 'result'];
  const waiting = !known && pair !== 'draft-result' && !live.data;
  return (
    <div className="ph-difftab" data-testid="diff-tab">
      <div className="ph-bar">
        {outline.length > 1 && (
          <Select
            className="ph-filter"
            aria-label={t('workbench.document')}
            data={outline.map((one) => ({ value: String(one.document), label: visible(titleOf(one)) }))}
            value={String(part.document)}
            onChange={(next) => next !== null && setChosen(Number(next))}
            allowDeselect={false}
            searchable
            data-testid="diff-document"
          />
        )}
        <SegmentedControl
          aria-label={t('workbench.sides')}
          data={PAIRS.map((one) => {
            const [a, b] = one.split('-') as [keyof typeof names, keyof typeof names];
            return { value: one, label: `${names[a]} ↔ ${names[b]}`, disabled: one !== 'live-draft' && !result };
          })}
          value={pair}
          onChange={(next) => setWanted(next as PairName)}
          data-testid="diff-sides"
        />
      </div>
      {!result && (
        <div className="ph-strip" role="note" data-testid="diff-no-result">
          <Icon name="info" size={12} />
          <span className="ph-grow">{state.rehearsal ? t('workbench.diffStale') : t('workbench.diffUnrehearsed')}</span>
        </div>
      )}
      {waiting ? (
        live.error ? (
          <div className="ph-pad">
            <FaultView fault={live.error} onRetry={() => void live.refetch()} />
          </div>
        ) : live.fetchStatus === 'idle' ? (
          <GivenUp name={cluster?.name ?? ''} onRetry={() => void live.refetch()} />
        ) : (
          <Waiting name={cluster?.name ?? ''} onCancel={live.giveUp} />
        )
      ) : (
        <>
          {pair !== 'draft-result' && now === null && (
            <div className="ph-strip" role="note" data-testid="diff-not-live">
              <Icon name="plus" size={12} />
              <span className="ph-grow">{t('workbench.notLive')}</span>
            </div>
          )}
          <SplitDiff key={`${part.document}:${pair}`} before={texts[left]} after={texts[right]} beforeName={names[left]} afterName={names[right]} label={t('workbench.diffOf', { what: visible(titleOf(part)) })} />
          {result && result.fields.length > 0 && pair !== 'draft-result' && (
            <div className="ph-difffields">
              <h3>{t('workbench.fields')}</h3>
              <Fields fields={result.fields} label={t('workbench.fields')} />
            </div>
          )}
        </>
      )}
      {!known && live.data && (
        <div className="ph-row ph-pad">
          <Button onClick={() => void live.refetch()} loading={live.isFetching} leftSection={<Icon name="refresh" size={14} />}>
            {t('workbench.askLive')}
          </Button>
        </div>
      )}
    </div>
  );
}
