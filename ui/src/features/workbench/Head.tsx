/** Which cluster, which namespace, and whether the text is safe. */
import { Autocomplete, Select } from '@mantine/core';
import { useState } from 'react';
import { useT } from '@/shared/i18n/t';
import { clock } from '@/shared/lib/format';
import { visible } from '@/shared/lib/visible';
import { Chip } from '@/shared/ui/chips';
import { ClusterName, ColourMark } from '@/shared/ui/cluster-name';
import { Icon } from '@/shared/ui/icon';
import { PageHead } from '@/shared/ui/parts';
import { useClusters, useNamespaces } from './api';
import { useBench, useClusterOf } from './use-bench';

const NONE = '*';

export function Head() {
  const { t } = useT();
  const [state, bench] = useBench();
  const clusters = useClusters();
  const cluster = useClusterOf(state.target.cluster);
  const rows = clusters.data?.clusters ?? [];
  const gone = state.target.cluster !== null && clusters.data !== undefined && cluster === null;
  return (
    <PageHead
      title={t('workbench.title')}
      chips={
        <>
          <Select
            className="ph-benchcluster"
            aria-label={t('workbench.cluster')}
            data={[{ value: NONE, label: t('workbench.noCluster') }, ...rows.map((row) => ({ value: row.id, label: visible(row.name) })), ...(gone ? [{ value: state.target.cluster!, label: t('workbench.goneCluster') }] : [])]}
            value={state.target.cluster ?? NONE}
            onChange={(next) => bench.aim({ cluster: next === NONE ? null : next, namespace: null })}
            allowDeselect={false}
            searchable={rows.length > 8}
            leftSection={cluster?.colour ? <ColourMark colour={cluster.colour} /> : <Icon name="wheel" size={13} />}
            renderOption={({ option }) => {
              const row = rows.find((one) => one.id === option.value);
              return row ? <ClusterName name={row.name} colour={row.colour} strong={false} /> : <span className="ph-muted">{option.label}</span>;
            }}
            disabled={state.applying !== null}
            data-testid="bench-cluster"
          />
          {state.target.cluster !== null && <Namespace key={state.target.cluster} cluster={state.target.cluster} />}
          {cluster?.readOnly && (
            <Chip tone="idle" icon="lock">
              {t('clusters.readOnly')}
            </Chip>
          )}
        </>
      }
    >
      <Saved />
    </PageHead>
  );
}

function Namespace({ cluster }: { cluster: string }) {
  const { t } = useT();
  const [state, bench] = useBench();
  const [wanted, setWanted] = useState(false);
  const [typed, setTyped] = useState(state.target.namespace ?? '');
  const [seen, setSeen] = useState(state.target.namespace);
  if (seen !== state.target.namespace) {
    setSeen(state.target.namespace);
    setTyped(state.target.namespace ?? '');
  }
  const names = useNamespaces(cluster, wanted);
  const settle = (value: string) => {
    const name = value.trim();
    if (name === '') bench.aim({ namespace: null });
    else if (/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(name)) bench.aim({ namespace: name });
    else setTyped(state.target.namespace ?? '');
  };
  return (
    <Autocomplete
      size="xs"
      className="ph-benchnamespace"
      aria-label={t('workbench.namespace')}
      title={t('workbench.namespaceHint')}
      placeholder={t('workbench.ownNamespace')}
      data={names}
      limit={60}
      value={typed}
      onChange={setTyped}
      onOptionSubmit={settle}
      onFocus={() => setWanted(true)}
      onBlur={() => settle(typed)}
      onKeyDown={(event) => event.key === 'Enter' && !event.ctrlKey && settle(typed)}
      disabled={state.applying !== null}
      data-testid="bench-namespace"
    />
  );
}

/** "Saved 12:04", or why not and what to do. */
function Saved() {
  const { t, say } = useT();
  const [state, bench] = useBench();
  const { draft, doc, touched } = state;
  if (draft.fault)
    return (
      <span className="ph-row ph-tone-bad" role="alert" data-testid="draft-state" data-state="failed">
        <Icon name="fail" size={13} />
        <span className="ph-cut ph-benchsaved" title={`${say(draft.fault.message)} ${say(draft.fault.hint)}`}>
          {t('workbench.notSaved', { why: say(draft.fault.message) })}
        </span>
        <button type="button" className="ph-plain ph-link" onClick={() => void bench.saveDraft()} data-testid="draft-again">
          {t('common.retry')}
        </button>
      </span>
    );
  if (doc.length === 0) return null;
  const state_ = draft.saving || (touched && draft.savedRev !== doc.rev) ? 'saving' : draft.savedAt !== null ? 'saved' : 'untouched';
  return (
    <span className="ph-row ph-muted ph-num" data-testid="draft-state" data-state={state_}>
      {state_ === 'saving' ? t('workbench.saving') : state_ === 'saved' ? t('workbench.saved', { at: clock(draft.savedAt!).slice(0, 5) }) : ''}
    </span>
  );
}
