/** Servers: the list with its live state, and beside it one server or the way to add one. */
import { Button, Menu } from '@mantine/core';
import { useMemo, useState } from 'react';
import { useT } from '@/shared/i18n/t';
import { byName, duration } from '@/shared/lib/format';
import { fits } from '@/shared/lib/fuzzy';
import { go, useRoute } from '@/shared/lib/route';
import { visible } from '@/shared/lib/visible';
import { StateChip } from '@/shared/ui/chips';
import { Grid, type Column } from '@/shared/ui/grid';
import { Icon } from '@/shared/ui/icon';
import { MenuButton, PageHead } from '@/shared/ui/parts';
import { SearchBox } from '@/shared/ui/search';
import { Sparkline } from '@/shared/ui/sparkline';
import { Split } from '@/shared/ui/split';
import { Empty, Failed, FilteredEmpty, Loading } from '@/shared/ui/states';
import { useServers, type ServerView } from './api';
import { AddServer } from './AddServer';
import { Checklist } from './Checklist';
import { ExportDialog } from './ExportDialog';
import { ServerPanel } from './ServerPanel';

export function ServersPage() {
  const { t, say } = useT();
  const route = useRoute();
  const servers = useServers();
  const [query, setQuery] = useState('');
  const [exporting, setExporting] = useState(false);
  const adding = route.path[1] === 'add';
  const chosen = adding ? null : (route.path[1] ?? null);

  const rows = useMemo(() => {
    const all = [...(servers.data ?? [])].sort((a, b) => byName(a.name, b.name));
    return query.trim() === '' ? all : all.filter((row) => fits(query, `${row.name} ${row.protocol} ${row.target} ${row.state}`));
  }, [servers.data, query]);

  const columns = useMemo(
    (): Column<ServerView>[] => [
      { key: 'state', head: t('servers.state'), min: 112, cell: (row) => <StateChip value={row.state} quiet /> },
      {
        key: 'name',
        head: t('servers.name'),
        min: 96,
        grow: 1.3,
        cell: (row) => (
          <span className="ph-row">
            <strong className="ph-cut">{visible(row.name)}</strong>
            {row.quarantined > 0 && (
              <span className="ph-chip ask quiet" title={t('servers.quarantined', { count: row.quarantined })}>
                <Icon name="lock" size={12} />
                {row.quarantined}
                <span className="ph-sr">{t('servers.quarantined', { count: row.quarantined })}</span>
              </span>
            )}
          </span>
        ),
      },
      { key: 'protocol', head: t('servers.protocol'), min: 96, rank: 2, cell: (row) => <span className="ph-muted">{row.protocol}</span> },
      { key: 'target', head: t('servers.target'), min: 190, grow: 1.6, rank: 6, cell: (row) => <code className="ph-cut ph-muted">{visible(row.target)}</code> },
      {
        key: 'tools',
        head: t('servers.tools'),
        min: 56,
        rank: 1,
        end: true,
        cell: (row) => (
          <span className="ph-num" title={row.stale && row.tools > 0 ? t('servers.staleTools') : undefined}>
            {row.stale && row.tools > 0 && (
              <span className="ph-faint">
                <Icon name="clock" size={12} />
                <span className="ph-sr">{t('servers.staleTools')}</span>{' '}
              </span>
            )}
            {row.tools}
          </span>
        ),
      },
      {
        key: 'times',
        head: 'p50 / p95',
        min: 124,
        rank: 3,
        end: true,
        cell: (row) => (
          <span className="ph-num ph-muted" title={t('servers.last15', { calls: row.calls, errors: row.errors })}>
            {row.p50Ms === null ? '–' : `${duration(row.p50Ms)} / ${duration(row.p95Ms)}`}
          </span>
        ),
      },
      { key: 'spark', head: t('servers.latency'), min: 100, rank: 4, cell: (row) => <Sparkline values={row.spark} /> },
      {
        key: 'error',
        head: t('servers.lastError'),
        min: 200,
        grow: 2,
        rank: 5,
        cell: (row) =>
          row.fault ? (
            <span className={row.state === 'error' ? 'ph-tone-bad ph-cut' : 'ph-tone-warn ph-cut'} title={say(row.fault.message)}>
              {say(row.fault.message)}
            </span>
          ) : (
            <span className="ph-faint">–</span>
          ),
      },
    ],
    [t, say],
  );

  const list = (
    <div className="ph-listpane">
      <div className="ph-bar">
        <SearchBox value={query} onChange={setQuery} label={t('servers.search')} testId="server-search" />
        {servers.data && <span className="ph-muted ph-num">{rows.length === servers.data.length ? rows.length : `${rows.length} / ${servers.data.length}`}</span>}
        {servers.isFetching && servers.data && <span className="ph-fetching" aria-hidden="true" />}
      </div>
      {servers.error && servers.data && <Failed fault={servers.error} onRetry={() => void servers.refetch()} />}
      {servers.isPending ? (
        <Loading />
      ) : !servers.data ? (
        <Failed fault={servers.error!} onRetry={() => void servers.refetch()} />
      ) : servers.data.length === 0 ? (
        <Empty
          icon="servers"
          title={t('servers.none')}
          action={
            adding ? undefined : (
              <Button variant="filled" leftSection={<Icon name="plus" size={14} />} onClick={() => go(['servers', 'add'])}>
                {t('servers.add')}
              </Button>
            )
          }
        >
          {t('servers.noneHint')}
        </Empty>
      ) : rows.length === 0 ? (
        <FilteredEmpty what={t('servers.many')} onClear={() => setQuery('')} />
      ) : (
        <Grid label={t('nav.servers')} rows={rows} columns={columns} rowKey={(row) => row.id} selected={chosen} onSelect={(row) => go(['servers', row.id, ...(chosen ? route.path.slice(2, 3) : [])])} rowTestId="server-row" />
      )}
      {!adding && !chosen && servers.data && <Checklist servers={servers.data} />}
    </div>
  );

  return (
    <>
      <PageHead title={t('nav.servers')}>
        <Menu>
          <Menu.Target>
            <MenuButton icon="more" label={t('servers.more')} testId="servers-more" />
          </Menu.Target>
          <Menu.Dropdown>
            <Menu.Item leftSection={<Icon name="braces" size={14} />} onClick={() => go(['servers', 'add', 'paste'])}>
              {t('servers.import')}
            </Menu.Item>
            <Menu.Item leftSection={<Icon name="download" size={14} />} onClick={() => setExporting(true)} disabled={!servers.data?.length}>
              {t('servers.exportAll')}
            </Menu.Item>
          </Menu.Dropdown>
        </Menu>
        <Button variant="filled" leftSection={<Icon name="plus" size={14} />} onClick={() => go(['servers', 'add'])} data-testid="add-server">
          {t('servers.add')}
        </Button>
      </PageHead>
      <Split name="servers" initial={0.36} list={list} detail={adding ? <AddServer mode={route.path[2] ?? 'template'} from={route.query.get('from')} /> : chosen ? <ServerPanel key={chosen} id={chosen} tab={route.path[2] ?? 'overview'} /> : null} />
      <ExportDialog open={exporting} ids={[]} onClose={() => setExporting(false)} />
    </>
  );
}
