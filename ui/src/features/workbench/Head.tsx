/** Which cluster, and which namespace. */
import { Autocomplete, Select } from '@mantine/core';
import { useState } from 'react';
import { useT } from '@/shared/i18n/t';
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
    />
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
