/** What is in one cluster: its kinds, the objects of one of them, one object. Being here is what asks the cluster; nothing is asked before. */
import { Select } from '@mantine/core';
import { useMemo, useState } from 'react';
import { usePrefs } from '@/ipc/prefs';
import { useT } from '@/shared/i18n/t';
import { byName } from '@/shared/lib/format';
import { go, replace, useRoute } from '@/shared/lib/route';
import { isMap } from '@/shared/lib/words';
import { visible } from '@/shared/lib/visible';
import { Chip } from '@/shared/ui/chips';
import { ClusterName } from '@/shared/ui/cluster-name';
import { IconButton, PageHead } from '@/shared/ui/parts';
import { Split } from '@/shared/ui/split';
import { Empty, Failed, Loading } from '@/shared/ui/states';
import { keyOf, useCluster, useGiveUp, useKinds, useTable, type ClusterDetail, type KubeKindView, type KubeKindsView } from './api';
import { KindTree } from './KindTree';
import { listable } from './kinds';
import { ObjectPanel } from './ObjectPanel';
import { ObjectTable } from './ObjectTable';
import { GivenUp, Waiting } from './parts';

/** Every namespace, in the address and in what is remembered. */
export const ALL = '*';

export function ExplorerPage({ id }: { id: string }) {
  const cluster = useCluster(id);
  const { t } = useT();
  if (cluster.data) return <Opened key={id} cluster={cluster.data} />;
  return (
    <>
      <PageHead title={t('explorer.title')} chips={<Back id={id} />} />
      {cluster.isPending ? (
        <Loading />
      ) : cluster.error.code === 'no_such_cluster' ? (
        <Empty icon="wheel" title={t('clusters.gone')}>
          {t('clusters.goneHint')}
        </Empty>
      ) : (
        <Failed fault={cluster.error} onRetry={() => void cluster.refetch()} />
      )}
    </>
  );
}

function Back({ id }: { id: string }) {
  const { t } = useT();
  return <IconButton icon="chevronLeft" label={t('explorer.back')} onClick={() => go(['clusters', id])} testId="explore-back" />;
}

function Opened({ cluster }: { cluster: ClusterDetail }) {
  const { t } = useT();
  const view = cluster.view;
  const kinds = useKinds(view.id);
  const giveUp = useGiveUp();
  return (
    <section className="ph-explorer ph-colouredge" data-colour={view.colour ?? undefined} aria-label={visible(view.name)} data-testid="explorer">
      <PageHead
        title={t('explorer.title')}
        chips={
          <>
            <Back id={view.id} />
            <ClusterName name={view.name} colour={view.colour} />
            {view.readOnly && (
              <Chip tone="idle" icon="lock">
                {t('clusters.readOnly')}
              </Chip>
            )}
            {view.insecure && (
              <Chip tone="bad" icon="warn">
                {t('clusters.insecure')}
              </Chip>
            )}
          </>
        }
      />
      {kinds.data ? (
        <Explored cluster={cluster} kinds={kinds.data} />
      ) : kinds.error ? (
        <Failed fault={kinds.error} onRetry={() => void kinds.refetch()} />
      ) : kinds.fetchStatus === 'idle' ? (
        <GivenUp name={view.name} onRetry={() => void kinds.refetch()} />
      ) : (
        <Waiting name={view.name} onCancel={() => giveUp(keyOf.kinds(view.id))} />
      )}
    </section>
  );
}

function Explored({ cluster, kinds }: { cluster: ClusterDetail; kinds: KubeKindsView }) {
  const { t } = useT();
  const { value, set } = usePrefs();
  const route = useRoute();
  const id = cluster.view.id;
  const kept = value('explorer');
  const all = isMap(kept) ? kept : {};
  const own = isMap(all[id]) ? all[id] : {};
  const remembered = (key: string): string | null => (typeof own[key] === 'string' ? own[key] : null);
  const remember = (change: Record<string, string>) => set('explorer', { ...all, [id]: { ...own, ...change } });

  const every = useMemo(() => listable(kinds.kinds), [kinds]);
  const asked = route.path[3] ?? remembered('kind') ?? 'pods';
  const kind = every.find((one) => one.name === asked) ?? (route.path[3] === undefined ? every[0] : undefined);
  const namespace = route.query.get('ns') ?? remembered('namespace') ?? cluster.namespace ?? ALL;
  const name = route.query.get('name');
  const inside = route.query.get('in');
  const tab = route.query.get('tab');

  const open = (next: string, to: { ns?: string; name?: string; in?: string | null } = {}) => {
    if (next !== asked || own['kind'] === undefined) remember({ kind: next });
    go(['clusters', id, 'explore', next], { ns: to.ns ?? namespace, name: to.name, in: to.in });
  };
  const choose = (next: string) => {
    remember({ namespace: next });
    go(['clusters', id, 'explore', asked], { ns: next });
  };
  const look = (row: { namespace: string | null; name: string } | null, nextTab: string | null = tab) => {
    const query = { ns: namespace, name: row?.name, in: row?.namespace, tab: row ? nextTab : null };
    // Walking through rows with the keyboard is one step of the history.
    (row && name ? replace : go)(['clusters', id, 'explore', asked], query);
  };
  /** Goes to another object, such as an owner, where its kind is known. */
  const follow = (apiVersion: string, called: string): KubeKindView | undefined => every.find((one) => one.apiVersion === apiVersion && one.kind === called);

  const list =
    kind === undefined ? (
      <Empty icon="search" title={t('explorer.noKind', { kind: visible(asked) })}>
        {t('explorer.noKindHint')}
      </Empty>
    ) : (
      <ObjectTable
        key={`${kind.name}/${namespace}`}
        cluster={cluster}
        kind={kind}
        namespace={kind.namespaced && namespace !== ALL ? namespace : null}
        chosen={name === null ? null : { namespace: inside, name }}
        onChoose={look}
        onNamespace={choose}
        picker={<Namespaces cluster={cluster} namespace={namespace} known={every.some((one) => one.name === 'namespaces')} disabled={!kind.namespaced} onChoose={choose} />}
      />
    );
  return (
    <div className="ph-explored">
      <KindTree cluster={id} kinds={kinds} chosen={asked} namespace={namespace} onOpen={open} />
      <Split
        name="explorer"
        initial={0.56}
        list={list}
        detail={kind && name !== null ? <ObjectPanel cluster={cluster} kind={kind} namespace={inside} name={name} tab={tab} onTab={(next) => look({ namespace: inside, name }, next)} onClose={() => look(null)} follow={follow} onOpen={open} /> : null}
      />
    </div>
  );
}

/** One namespace or all. Where they may not be listed, a name can be typed. */
function Namespaces({ cluster, namespace, known, disabled, onChoose }: { cluster: ClusterDetail; namespace: string; known: boolean; disabled: boolean; onChoose: (next: string) => void }) {
  const { t } = useT();
  const of = { cluster: cluster.view.id, kind: 'namespaces', namespace: null, fields: null };
  const [typed, setTyped] = useState('');
  const names = useTable(of, known);
  const listed = useMemo(() => (names.data?.rows ?? []).map((row) => row.name).sort(byName), [names.data]);
  const extra = [cluster.namespace, namespace].filter((one): one is string => one !== null && one !== ALL && !listed.includes(one));
  const wanted = typed.trim();
  const unknown = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(wanted) && !listed.includes(wanted) && !extra.includes(wanted);
  const label = (one: string) => (one === ALL ? t('explorer.allNamespaces') : visible(one));
  const data = [
    { value: ALL, label: label(ALL) },
    ...[...new Set([...extra, ...listed])].map((one) => ({ value: one, label: label(one) })),
    ...(unknown ? [{ value: wanted, label: t('explorer.typedNamespace', { name: wanted }) }] : []),
  ];
  return (
    <Select
      className="ph-filter"
      data={data}
      value={namespace}
      onChange={(next) => next !== null && onChoose(next)}
      searchable
      onSearchChange={setTyped}
      allowDeselect={false}
      disabled={disabled}
      maxDropdownHeight={360}
      aria-label={t('explorer.namespace')}
      title={disabled ? t('explorer.noNamespaces') : names.error ? t('explorer.namespacesHidden') : undefined}
      nothingFoundMessage={t('explorer.namespaceHint')}
      data-testid="namespace"
    />
  );
}
