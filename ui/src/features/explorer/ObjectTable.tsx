/** The objects of one kind, in the server's own columns. */
import { Button, Switch } from '@mantine/core';
import { useDeferredValue, useEffect, useMemo, useState, type ReactNode } from 'react';
import { useT } from '@/shared/i18n/t';
import { stamp } from '@/shared/lib/format';
import { isMap, type Json } from '@/shared/lib/words';
import { visible } from '@/shared/lib/visible';
import { Chip } from '@/shared/ui/chips';
import { Grid, type Column } from '@/shared/ui/grid';
import { Icon } from '@/shared/ui/icon';
import { Ago, IconButton } from '@/shared/ui/parts';
import { SearchBox } from '@/shared/ui/search';
import { Empty, FaultView, FilteredEmpty } from '@/shared/ui/states';
import { keyOf, useGiveUp, useLive, useTable, type ClusterDetail, type KubeColumnView, type KubeKindView, type KubeRowView, type UiFault } from './api';
import { ageOf, ageText, filtered, isAge, isNothing, sorted, stateOf, textOf, type Sort } from './cells';
import { rowAt, type Live } from './live';
import { GivenUp, Waiting } from './parts';

/** Chosen once for the window: who wants all columns wants them of every kind. */
let wideKept = false;

type Named = { namespace: string | null; name: string };
type Props = {
  cluster: ClusterDetail;
  kind: KubeKindView;
  /** One, or null for all. */
  namespace: string | null;
  chosen: Named | null;
  onChoose: (row: Named) => void;
  onNamespace: (next: string) => void;
  picker: ReactNode;
};

const keyOfRow = (row: Named) => `${row.namespace ?? ''}\n${row.name}`;

export function ObjectTable({ cluster, kind, namespace, chosen, onChoose, onNamespace, picker }: Props) {
  const { t, say } = useT();
  const of = { cluster: cluster.view.id, kind: kind.name, namespace, fields: null };
  const table = useTable(of);
  const live = useLive(of, table.data);
  const giveUp = useGiveUp();
  const [typed, setTyped] = useState('');
  const query = useDeferredValue(typed);
  const [sort, setSort] = useState<Sort>(null);
  const [wide, setWide] = useState(wideKept);
  const cancel = () => giveUp(keyOf.table(of));
  const retry = () => void table.refetch();

  const data = table.data;
  const inOrder = useMemo(() => (data ? sorted(data.rows, data.columns, sort) : []), [data, sort]);
  const rows = useMemo(() => filtered(inOrder, query), [inOrder, query]);
  const columns = useColumns(data?.columns ?? [], data?.rows ?? [], kind.namespaced && namespace === null, wide, sort, setSort, data?.askedAt ?? 0);
  const name = cluster.view.name;
  const where = namespace === null ? null : visible(namespace);

  return (
    <div className="ph-listpane" data-testid="objects" data-kind={kind.name}>
      <div className="ph-bar">
        <SearchBox value={typed} onChange={setTyped} label={t('explorer.search', { kind: visible(kind.kind) })} testId="object-search" />
        {picker}
        {data && <span className="ph-muted ph-num" data-testid="object-count">{rows.length === data.rows.length ? rows.length : `${rows.length} / ${data.rows.length}`}</span>}
        <Switch
          checked={wide}
          onChange={(event) => {
            wideKept = event.currentTarget.checked;
            setWide(wideKept);
          }}
          label={t('explorer.wide')}
          title={t('explorer.wideHint')}
          data-testid="wide"
        />
        <span className="ph-grow" />
        {data && data.whole && !table.isFetching && <Standing live={live} askedAt={data.askedAt} />}
        {data && table.isFetching ? (
          <button type="button" className="ph-plain ph-link" onClick={cancel} data-testid="explore-cancel">
            {t('common.cancel')}
          </button>
        ) : null}
        <IconButton icon={data && table.isFetching ? 'busy' : 'refresh'} label={t('explorer.refresh')} onClick={retry} disabled={table.isFetching} testId="object-refresh" />
      </div>
      {data && table.error && (
        <div className="ph-pad" data-testid="objects-stale">
          <FaultView fault={table.error} onRetry={retry} compact mild actions={<span className="ph-muted">{data.whole ? <>{t('explorer.stale')} <Ago at={table.dataUpdatedAt} /></> : t('explorer.partly')}</span>} />
        </div>
      )}
      {(data?.notes ?? []).map((note) => (
        <div key={note.en} className="ph-strip" role="status" data-testid="objects-note">
          <Icon name="warn" size={12} className="ph-tone-warn" />
          <span className="ph-grow ph-break">{visible(say(note))}</span>
        </div>
      ))}
      {!data ? (
        table.error ? (
          <div className="ph-failed">
            <Refused fault={table.error} onRetry={retry} namespace={namespace} usual={cluster.namespace ?? 'default'} namespaced={kind.namespaced} onNamespace={onNamespace} />
          </div>
        ) : table.fetchStatus === 'idle' ? (
          <GivenUp name={name} onRetry={retry} />
        ) : (
          <Waiting name={name} onCancel={cancel} />
        )
      ) : data.rows.length === 0 && data.whole ? (
        <Empty
          icon="list"
          title={where === null ? t('explorer.none', { kind: visible(kind.kind) }) : t('explorer.noneIn', { kind: visible(kind.kind), namespace: where })}
          action={
            where !== null ? (
              <Button onClick={() => onNamespace('*')} data-testid="look-everywhere">
                {t('explorer.everywhere')}
              </Button>
            ) : undefined
          }
        >
          {t('explorer.noneHint', { name: visible(name) })}
        </Empty>
      ) : rows.length === 0 && data.rows.length > 0 ? (
        <FilteredEmpty what={visible(kind.kind)} onClear={() => setTyped('')} />
      ) : (
        <Grid
          label={t('explorer.objects', { kind: visible(kind.kind), name: visible(name) })}
          rows={rows}
          columns={columns}
          rowKey={keyOfRow}
          selected={chosen && keyOfRow(chosen)}
          onSelect={onChoose}
          rowTestId="object-row"
          all={wide}
        />
      )}
    </div>
  );
}

/** Whether what is shown is so now. */
function Standing({ live, askedAt }: { live: Live; askedAt: number }) {
  const { t, say } = useT();
  switch (live.state) {
    case 'live':
      return (
        <span className="ph-row ph-muted ph-cut" role="status" title={t('explorer.liveHint')} data-testid="objects-live" data-state="live">
          <Icon name="ok" size={12} className="ph-tone-ok" />
          {t('explorer.live')}
        </span>
      );
    case 'stale':
      return (
        <span className="ph-row ph-cut" role="status" title={visible(say(live.why.message))} data-testid="objects-live" data-state="stale">
          <Icon name="warn" size={12} className="ph-tone-warn" />
          {t('explorer.staleSince')} <Ago at={live.since} />
        </span>
      );
    default:
      return (
        <span className="ph-muted ph-cut" title={live.state === 'ended' ? `${t('explorer.notFollowed')} ${visible(say(live.why.message))}` : undefined} data-testid="objects-live" data-state={live.state}>
          <Ago at={live.state === 'ended' ? live.since : askedAt} />
        </span>
      );
  }
}

/** What is missing, as who; where all namespaces are forbidden, one may not be. */
function Refused({ fault, onRetry, namespace, usual, namespaced, onNamespace }: { fault: UiFault; onRetry: () => void; namespace: string | null; usual: string; namespaced: boolean; onNamespace: (next: string) => void }) {
  const { t } = useT();
  const everywhere = fault.code === 'cluster_forbidden' && namespaced && namespace === null;
  // Without leave for all namespaces at once each is asked by itself; the fault is the first one's.
  const each = everywhere && isMap(fault.params) && typeof fault.params['namespace'] === 'string';
  return (
    <FaultView
      fault={fault}
      onRetry={onRetry}
      actions={
        everywhere ? (
          <>
            <Button onClick={() => onNamespace(usual)} data-testid="look-in-usual">
              {t('explorer.onlyIn', { namespace: visible(usual) })}
            </Button>
            {each && <span className="ph-muted">{t('explorer.refusedEverywhere')}</span>}
          </>
        ) : undefined
      }
    />
  );
}

const LETTER = 7.4;

function useColumns(columns: readonly KubeColumnView[], rows: readonly KubeRowView[], namespaces: boolean, wide: boolean, sort: Sort, onSort: (next: Sort) => void, asked: number): Column<KubeRowView>[] {
  const { t } = useT();
  return useMemo(() => {
    const head = (label: string, at: number, title?: string) => (
      <button type="button" className="ph-plain ph-sort" title={title || undefined} onClick={() => onSort(sort?.column !== at ? { column: at, down: false } : sort.down ? null : { column: at, down: true })} data-testid="sort" data-key={label}>
        <span className="ph-cut">{visible(label)}</span>
        {sort?.column === at && <Icon name={sort.down ? 'arrowDown' : 'arrowUp'} size={11} />}
      </button>
    );
    const way = (at: number): Column<KubeRowView>['sort'] => (sort?.column !== at ? 'none' : sort.down ? 'descending' : 'ascending');
    const shown: Column<KubeRowView>[] = [];
    if (namespaces) shown.push({ key: 'namespace', head: head(t('explorer.namespace'), -1), sort: way(-1), min: 112, grow: 0.7, rank: 2, cell: (row) => <span className="ph-cut ph-muted">{row.namespace === null ? '–' : visible(row.namespace)}</span> });
    columns.forEach((column, at) => {
      if (!wide && column.priority > 0) return;
      const naming = column.format === 'name' || (column.name === 'Name' && at === 0);
      const state = stateOf(column, 'Running') !== null;
      // As wide as what is in it, within reason; a sample is enough.
      const longest = rows.slice(0, 200).reduce((most, row) => Math.max(most, textOf(row.cells[at] as Json).length), column.name.length + 2);
      const width = Math.round(Math.min(naming ? 220 : 280, Math.max(48, longest * LETTER + (state ? 20 : 0))));
      shown.push({
        key: `${at}:${column.name}`,
        head: head(column.name, at, column.description),
        sort: way(at),
        min: width,
        grow: naming ? 2 : width >= 150 ? 1 : undefined,
        rank: naming ? 0 : column.name === 'Status' ? 1 : isAge(column) ? 3 : state ? 4 : 5 + at,
        end: column.kind === 'integer' || column.kind === 'number',
        cell: (row) => <Cell column={column} value={row.cells[at] as Json} naming={naming} asked={rowAt(row, asked)} over={row.cells.includes('Completed')} />,
      });
    });
    // A grid without anything that grows leaves a hole at its end.
    if (!shown.some((column) => column.grow) && shown[0]) shown[0] = { ...shown[0], grow: 1 };
    return shown;
  }, [columns, rows, namespaces, wide, sort, onSort, asked, t]);
}

/** Ticks so often that ages which nobody tells anew are right to their own unit. */
function useNow(every: number): number {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), every);
    return () => clearInterval(timer);
  }, [every]);
  return now;
}

/** An age that grows: what the server wrote, and the time since. */
function Age({ text, age, at }: { text: string; age: number; at: number }) {
  const { t } = useT();
  const now = useNow(age < 120_000 ? 1000 : 30_000);
  const grown = age + Math.max(0, now - at);
  return (
    <span className="ph-num ph-muted" title={t('explorer.about', { at: stamp(at - age) })}>
      {at === 0 || grown - age < 1000 ? text : ageText(grown)}
    </span>
  );
}

function Cell({ column, value, naming, asked, over }: { column: KubeColumnView; value: Json | undefined; naming: boolean; asked: number; /** What has done its work need not be ready. */ over: boolean }) {
  const text = textOf(value);
  if (isNothing(text)) return <span className="ph-faint">{text === '' ? '–' : text}</span>;
  if (naming) return <span className="ph-cut ph-strong" title={visible(text)}>{visible(text)}</span>;
  const state = stateOf(column, text);
  if (state && !(over && column.name === 'Ready'))
    return (
      <Chip tone={state.tone} icon={state.icon} quiet>
        {visible(text)}
      </Chip>
    );
  const age = isAge(column) ? ageOf(text) : null;
  if (age !== null)
    return <Age text={text} age={age} at={asked} />;
  return (
    <span className={`ph-cut${typeof value === 'number' || column.kind === 'integer' ? ' ph-num' : ''}`} title={text.length > 24 ? visible(text) : undefined}>
      {visible(text)}
    </span>
  );
}
