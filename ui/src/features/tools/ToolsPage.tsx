/** Tools: every tool of every server, found by typing, run beside the list. */
import { Button, Select } from '@mantine/core';
import { useDeferredValue, useMemo, useState } from 'react';
import { useT } from '@/shared/i18n/t';
import { byName } from '@/shared/lib/format';
import { fits } from '@/shared/lib/fuzzy';
import { go, useRoute } from '@/shared/lib/route';
import { visible } from '@/shared/lib/visible';
import { RiskChip, StateChip } from '@/shared/ui/chips';
import { Grid, type Column } from '@/shared/ui/grid';
import { Icon } from '@/shared/ui/icon';
import { PageHead } from '@/shared/ui/parts';
import { SearchBox } from '@/shared/ui/search';
import { Split } from '@/shared/ui/split';
import { Empty, Failed, FilteredEmpty, Loading } from '@/shared/ui/states';
import { useServerStates, useTools, viewIn, type ToolView } from './api';
import { ToolPanel } from './ToolPanel';

type Row = { kind: 'group'; server: string; name: string; count: number } | { kind: 'tool'; tool: ToolView };

const keyOf = (row: Row) => (row.kind === 'group' ? `group ${row.server}` : `${row.tool.server}\n${row.tool.name}`);

const letters = (text: string) => text.toLowerCase().replace(/[^\p{L}\p{N}]/gu, '');

/** What it does; its title before, unless that only says the name again. */
function summaryOf(tool: ToolView): string {
  const title = tool.title && letters(tool.title) !== letters(tool.name) ? visible(tool.title) : '';
  return [title, tool.summary].filter(Boolean).join(' · ');
}

/** Tools under their servers; a server whose tools all fall out is left out too. */
export function grouped(tools: readonly ToolView[], query: string, server: string | null, risk: string | null): Row[] {
  const fitting = tools.filter(
    (tool) => (!server || tool.server === server) && (!risk || (risk === 'quarantined' ? tool.quarantined : tool.risk === risk)) && (query.trim() === '' || fits(query, `${tool.name} ${tool.title ?? ''} ${tool.serverName} ${tool.summary}`)),
  );
  const groups = new Map<string, ToolView[]>();
  for (const tool of fitting) {
    const list = groups.get(tool.server);
    if (list) list.push(tool);
    else groups.set(tool.server, [tool]);
  }
  return [...groups.entries()]
    .sort(([, a], [, b]) => byName(a[0]!.serverName, b[0]!.serverName))
    .flatMap(([id, list]): Row[] => [
      { kind: 'group', server: id, name: list[0]!.serverName, count: list.length },
      ...list.sort((a, b) => byName(a.name, b.name)).map((tool): Row => ({ kind: 'tool', tool })),
    ]);
}

export function ToolsPage() {
  const { t, word, lang } = useT();
  const route = useRoute();
  const tools = useTools();
  const servers = useServerStates();
  const [query, setQuery] = useState('');
  const [server, setServer] = useState<string | null>(route.query.get('server'));
  const [risk, setRisk] = useState<string | null>(null);
  const deferred = useDeferredValue(query);
  const chosenServer = route.path[1] ?? null;
  const chosenTool = route.path[2] ?? null;
  const chosen = chosenServer && chosenTool ? `${chosenServer}\n${chosenTool}` : null;

  const own = useMemo(() => new Set((servers.data ?? []).filter((row) => row.protocol === 'local').map((row) => row.id)), [servers.data]);
  const read = useMemo(() => (tools.data ?? []).map((tool) => (own.has(tool.server) && !tool.quarantined ? viewIn(tool, lang) : tool)), [tools.data, own, lang]);
  const rows = useMemo(() => grouped(read, deferred, server, risk), [read, deferred, server, risk]);
  const shown = rows.reduce((sum, row) => sum + (row.kind === 'tool' ? 1 : 0), 0);
  const states = useMemo(() => new Map((servers.data ?? []).map((row) => [row.id, row.state])), [servers.data]);
  const clear = () => {
    setQuery('');
    setServer(null);
    setRisk(null);
  };

  const columns = useMemo(
    (): Column<Row>[] => [
      {
        key: 'name',
        head: t('tools.name'),
        min: 150,
        grow: 1,
        cell: (row) =>
          row.kind === 'tool' && (
            <span className="ph-row">
              <code className="ph-cut">{visible(row.tool.name)}</code>
              {row.tool.quarantined && (
                <span className="ph-chip ask quiet">
                  <Icon name="lock" size={12} />
                  {t('tools.quarantined')}
                </span>
              )}
            </span>
          ),
      },
      { key: 'summary', head: t('tools.summary'), min: 240, grow: 2.2, rank: 1, cell: (row) => row.kind === 'tool' && <span className="ph-cut ph-muted">{summaryOf(row.tool)}</span> },
      { key: 'risk', head: t('tools.risk'), min: 84, cell: (row) => row.kind === 'tool' && <RiskChip value={row.tool.risk} quiet /> },
    ],
    [t],
  );

  const serverChoices = useMemo(() => {
    const seen = new Map<string, string>();
    for (const tool of tools.data ?? []) seen.set(tool.server, tool.serverName);
    return [...seen.entries()].map(([value, label]) => ({ value, label: visible(label) })).sort((a, b) => byName(a.label, b.label));
  }, [tools.data]);

  const list = (
    <div className="ph-listpane">
      <div className="ph-bar">
        <SearchBox value={query} onChange={setQuery} label={t('tools.search')} testId="tool-search" />
        <Select className="ph-filter" data={serverChoices} value={server} onChange={setServer} placeholder={t('tools.anyServer')} aria-label={t('tools.server')} clearable clearButtonProps={{ 'aria-label': t('common.clear') }} searchable={serverChoices.length > 8} />
        <Select
          className="ph-filter narrow"
          data={[...['safe', 'low', 'medium', 'high'].map((value) => ({ value, label: word('risk', value) })), { value: 'quarantined', label: t('tools.quarantined') }]}
          value={risk}
          onChange={setRisk}
          placeholder={t('tools.anyRisk')}
          aria-label={t('tools.risk')}
          clearable
          clearButtonProps={{ 'aria-label': t('common.clear') }}
        />
      </div>
      {tools.isPending ? (
        <Loading rows={12} />
      ) : !tools.data ? (
        <Failed fault={tools.error} onRetry={() => void tools.refetch()} />
      ) : tools.data.length === 0 ? (
        <Empty
          icon="tools"
          title={t('tools.none')}
          action={
            <Button variant="filled" onClick={() => go(['servers', 'add'])} leftSection={<Icon name="plus" size={14} />}>
              {t('servers.add')}
            </Button>
          }
        >
          {t('tools.noneHint')}
        </Empty>
      ) : shown === 0 ? (
        <FilteredEmpty what={t('tools.many')} onClear={clear} />
      ) : (
        <Grid
          label={t('nav.tools')}
          rows={rows}
          columns={columns}
          rowKey={keyOf}
          selected={chosen}
          onSelect={(row) => row.kind === 'tool' && go(['tools', row.tool.server, row.tool.name])}
          rowTestId="tool-row"
          hideHead
          group={(row) =>
            row.kind === 'group' && (
              <span className="ph-row ph-grouphead">
                <Icon name="servers" size={13} />
                <strong className="ph-cut">{visible(row.name)}</strong>
                <span className="ph-faint ph-num">{row.count}</span>
                <span className="ph-grow" />
                {states.has(row.server) && states.get(row.server) !== 'connected' && <StateChip value={states.get(row.server)!} quiet />}
              </span>
            )
          }
        />
      )}
    </div>
  );

  return (
    <>
      <PageHead
        title={t('nav.tools')}
        chips={
          tools.data && (
            <span className="ph-muted ph-num" data-testid="tool-count">
              {shown === tools.data.length ? t('tools.count', { count: shown }) : t('tools.countOf', { shown, count: tools.data.length })}
            </span>
          )
        }
      />
      <Split
        name="tools"
        initial={0.34}
        list={list}
        detail={chosenServer && chosenTool ? <ToolPanel key={chosen} server={chosenServer} tool={chosenTool} state={states.get(chosenServer) ?? null} own={own.has(chosenServer)} /> : null}
      />
    </>
  );
}
