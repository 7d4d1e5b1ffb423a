/** Clusters: what was imported, how each is reached and signed in to, and whether its file still holds a secret. */
import { Button, Menu } from '@mantine/core';
import { useEffect, useMemo, useState } from 'react';
import { useT } from '@/shared/i18n/t';
import { byName } from '@/shared/lib/format';
import { fits } from '@/shared/lib/fuzzy';
import { go, useRoute } from '@/shared/lib/route';
import { visible } from '@/shared/lib/visible';
import { Expiry } from '@/shared/ui/expiry';
import { Grid, type Column } from '@/shared/ui/grid';
import { Icon } from '@/shared/ui/icon';
import { MenuButton, PageHead } from '@/shared/ui/parts';
import { SearchBox } from '@/shared/ui/search';
import { Split } from '@/shared/ui/split';
import { Empty, Failed, FilteredEmpty, Loading } from '@/shared/ui/states';
import { tell, tellFault } from '@/shared/ui/toasts';
import { useCheck, useClusters, useLock, useRefresh, useUnlock, type ClusterView } from './api';
import { ClusterPanel } from './ClusterPanel';
import { ImportWizard } from './ImportWizard';
import { ClusterName, LastUse, ReachChip } from './parts';
import { ProgramsPanel } from './ProgramsPanel';
import { VerifyPanel } from './VerifyPanel';

export function ClustersPage() {
  const { t, word } = useT();
  const route = useRoute();
  const clusters = useClusters();
  const lock = useLock();
  const unlock = useUnlock();
  const [query, setQuery] = useState('');
  const place = route.path[1] ?? null;
  const { mutate: refresh } = useRefresh();
  const check = useCheck();
  // What answered a person before is looked at again; the core decides which, and reaches nobody else.
  const importing = place === 'import';
  useEffect(() => {
    if (!importing) refresh({});
  }, [refresh, importing]);
  const verifying = place === 'verify';
  const programs = place === 'programs';
  const chosen = importing || verifying || programs ? null : place;

  const rows = useMemo(() => {
    const all = [...(clusters.data?.clusters ?? [])].sort((a, b) => byName(a.name, b.name));
    return query.trim() === '' ? all : all.filter((row) => fits(query, `${row.name} ${row.server} ${row.auth} ${row.file ?? ''}`));
  }, [clusters.data, query]);

  const columns = useMemo(
    (): Column<ClusterView>[] => [
      { key: 'name', head: t('clusters.name'), min: 130, grow: 1.2, cell: (row) => <Name row={row} /> },
      { key: 'state', head: t('clusters.state'), min: 118, rank: 0, cell: (row) => <ReachChip reach={row.reach} quiet /> },
      { key: 'version', head: t('clusters.version'), min: 84, rank: 4, cell: (row) => (row.reach.version === null ? <span className="ph-faint">–</span> : <code className={row.reach.state === 'reachable' ? 'ph-cut' : 'ph-cut ph-faint'}>{visible(row.reach.version)}</code>) },
      { key: 'identity', head: t('clusters.identity'), min: 110, grow: 0.8, rank: 5, cell: (row) => (row.reach.user === null ? <span className="ph-faint">–</span> : <code className={row.reach.state === 'reachable' ? 'ph-cut' : 'ph-cut ph-faint'} title={row.reach.groups.join(', ')}>{visible(row.reach.user)}</code>) },
      { key: 'used', head: t('clusters.lastUsed'), min: 150, rank: 3, cell: (row) => <LastUse row={row} /> },
      {
        key: 'server',
        head: t('clusters.server'),
        min: 180,
        grow: 1.6,
        rank: 6,
        cell: (row) => <code className={`ph-cut ${row.server.startsWith('http:') ? 'ph-tone-bad' : 'ph-muted'}`}>{visible(row.server)}</code>,
      },
      { key: 'auth', head: t('clusters.auth'), min: 130, rank: 2, cell: (row) => <span className="ph-muted ph-cut">{word('clusterAuth', row.auth)}</span> },
      { key: 'expires', head: t('clusters.expires'), min: 126, rank: 1, cell: (row) => (row.expiresAt === null ? <span className="ph-faint">–</span> : <Expiry at={row.expiresAt} />) },
      {
        key: 'source',
        head: t('clusters.source'),
        min: 170,
        grow: 1,
        rank: 7,
        cell: (row) => (
          <span className="ph-row" title={row.file ?? undefined}>
            {row.rewritten && <Icon name="shield" size={13} className="ph-tone-ok" />}
            <span className="ph-cut ph-muted">{row.file ? visible(row.file) : t('clusters.pasted')}</span>
            {row.rewritten && <span className="ph-sr">{t('clusters.rewritten')}</span>}
          </span>
        ),
      },
    ],
    [t, word],
  );

  const none = clusters.data?.clusters.length === 0;
  const list = (
    <div className="ph-listpane">
      {!none && (
        <div className="ph-bar">
          <SearchBox value={query} onChange={setQuery} label={t('clusters.search')} testId="cluster-search" />
          {clusters.data && <span className="ph-muted ph-num">{rows.length === clusters.data.clusters.length ? rows.length : `${rows.length} / ${clusters.data.clusters.length}`}</span>}
          {clusters.isFetching && clusters.data && <span className="ph-fetching" aria-hidden="true" />}
        </div>
      )}
      {clusters.data?.locked && (
        <div className="ph-strip ask" role="status" data-testid="clusters-locked">
          <Icon name="lock" size={12} />
          <span className="ph-grow">{t('clusters.lockedStrip')}</span>
          <button type="button" className="ph-plain ph-link" disabled={unlock.isPending} onClick={() => unlock.mutate({}, { onError: tellFault })} data-testid="clusters-unlock">
            {t('clusters.unlock')}
          </button>
        </div>
      )}
      {clusters.error && clusters.data && <Failed fault={clusters.error} onRetry={() => void clusters.refetch()} />}
      {clusters.isPending ? (
        <Loading />
      ) : !clusters.data ? (
        <Failed fault={clusters.error!} onRetry={() => void clusters.refetch()} />
      ) : none ? (
        <Empty
          icon="wheel"
          title={t('clusters.none')}
          action={
            <Button variant="filled" leftSection={<Icon name="download" size={14} />} onClick={() => go(['clusters', 'import'])} data-testid="import-first">
              {t('clusters.import')}
            </Button>
          }
        >
          {t('clusters.noneHint')}
        </Empty>
      ) : rows.length === 0 ? (
        <FilteredEmpty what={t('clusters.many')} onClear={() => setQuery('')} />
      ) : (
        <Grid label={t('nav.clusters')} rows={rows} columns={columns} rowKey={(row) => row.id} selected={chosen} onSelect={(row) => go(['clusters', row.id])} rowTestId="cluster-row" rowTone={(row) => (row.colour === null ? undefined : `colour-${row.colour}`)} />
      )}
    </div>
  );

  if (importing) return <ImportWizard />;
  return (
    <>
      <PageHead title={t('nav.clusters')}>
        {!none && (
          <Button leftSection={<Icon name="refresh" size={14} />} loading={check.isPending} disabled={!clusters.data} onClick={() => check.mutate({ ids: [] }, { onError: tellFault })} data-testid="clusters-check">
            {t('reach.checkAll')}
          </Button>
        )}
        {!none && (
          <Menu>
            <Menu.Target>
              <MenuButton icon="more" label={t('clusters.more')} testId="clusters-more" />
            </Menu.Target>
            <Menu.Dropdown>
              <Menu.Item leftSection={<Icon name="shield" size={14} />} onClick={() => go(['clusters', 'verify'])} data-testid="clusters-verify">
                {t('clusters.verify')}
              </Menu.Item>
              <Menu.Item leftSection={<Icon name="terminal" size={14} />} onClick={() => go(['clusters', 'programs'])} data-testid="clusters-programs">
                {t('clusters.programs')}
              </Menu.Item>
              <Menu.Item
                leftSection={<Icon name="lock" size={14} />}
                onClick={() => lock.mutate({}, { onSuccess: () => tell(t('clusters.allLocked')), onError: tellFault })}
                disabled={clusters.data?.locked !== false}
                data-testid="clusters-lock"
              >
                {t('clusters.lockAll')}
              </Menu.Item>
            </Menu.Dropdown>
          </Menu>
        )}
        {!none && (
          <Button variant="filled" leftSection={<Icon name="download" size={14} />} onClick={() => go(['clusters', 'import'])} data-testid="import-clusters">
            {t('clusters.import')}
          </Button>
        )}
      </PageHead>
      <Split name="clusters" initial={0.42} list={list} detail={verifying ? <VerifyPanel /> : programs ? <ProgramsPanel /> : chosen ? <ClusterPanel key={chosen} id={chosen} /> : null} />
    </>
  );
}

/** The name, and what a person must not overlook about the cluster. */
function Name({ row }: { row: ClusterView }) {
  const { t } = useT();
  return (
    <span className="ph-row">
      <ClusterName name={row.name} colour={row.colour} />
      {row.readOnly && (
        <span title={t('clusters.readOnly')}>
          <Icon name="lock" size={12} className="ph-muted" />
          <span className="ph-sr">{t('clusters.readOnly')}</span>
        </span>
      )}
      {row.insecure && (
        <span title={t('clusters.insecure')} data-testid="cluster-unchecked">
          <Icon name="warn" size={13} className="ph-tone-bad" />
          <span className="ph-sr">{t('clusters.insecure')}</span>
        </span>
      )}
    </span>
  );
}
