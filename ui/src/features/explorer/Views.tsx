/** What a node, a workload or a pod is about right now: how far it is, what it uses, which pods are its. */
import { useMemo } from 'react';
import { useT } from '@/shared/i18n/t';
import { bytes } from '@/shared/lib/format';
import type { Json } from '@/shared/lib/words';
import { visible } from '@/shared/lib/visible';
import { Chip } from '@/shared/ui/chips';
import { Ago, Facts, Notice, Section } from '@/shared/ui/parts';
import { FaultView } from '@/shared/ui/states';
import { useTable, useUsage, type ClusterDetail } from './api';
import { meaning, textOf } from './cells';
import type { Follow } from './ObjectPanel';
import { cores, viewOf, type NodeView, type Reserve, type WorkloadView } from './views';

type Of = Follow & { cluster: ClusterDetail; namespace: string | null; name: string };

export function Views({ object, ...of }: Of & { object: Json }) {
  const view = useMemo(() => viewOf(object), [object]);
  if (view?.view === 'node') return <Node view={view} {...of} />;
  if (view?.view === 'workload') return <Workload view={view} {...of} />;
  if (view?.view === 'pod') return <UsageOf {...of} asked={view.requests} most={view.limits} />;
  return null;
}

function Node({ view, ...of }: Of & { view: NodeView }) {
  const { t } = useT();
  return (
    <>
      <UsageOf {...of} asked={null} most={view.allocatable} />
      <Section title={t('explorer.machine')} testId="node-view">
        <Facts
          rows={[
            view.cordoned && [t('explorer.scheduling'), <Chip key="c" tone="warn" icon="warn">{t('explorer.cordoned')}</Chip>],
            view.roles.length > 0 && [t('explorer.roles'), <span key="r">{view.roles.map(visible).join(', ')}</span>],
            view.version !== '' && ['Kubelet', <code key="v">{visible(view.version)}</code>],
            view.os !== '' && [t('explorer.system'), <span key="o" className="ph-break">{[view.os, view.kernel, view.arch].filter(Boolean).map(visible).join(' · ')}</span>],
            view.runtime !== '' && [t('explorer.runtime'), <code key="rt">{visible(view.runtime)}</code>],
            view.pods !== null && [t('explorer.podRoom'), <span key="p" className="ph-num">{view.pods}</span>],
            view.taints.length > 0 && [t('explorer.taints'), <span key="t" className="ph-stack tight">{view.taints.map((one) => <code key={one} className="ph-break">{visible(one)}</code>)}</span>],
          ]}
        />
      </Section>
      <Pods {...of} namespace={null} fields={`spec.nodeName=${of.name}`} labels={null} />
    </>
  );
}

function Workload({ view, ...of }: Of & { view: WorkloadView }) {
  const { t } = useT();
  const short = view.ready !== null && view.wanted !== null && view.ready < view.wanted;
  const number = (value: number | null) => <span className="ph-num">{value ?? 0}</span>;
  return (
    <>
      {view.unseen && <Notice tone="run">{t('explorer.unseen')}</Notice>}
      <Section title={t('explorer.progress')} testId="workload-view">
        <Facts
          rows={[
            view.ready !== null && view.wanted !== null && [
              view.kind === 'Job' ? t('explorer.done') : t('explorer.ready'),
              <Chip key="r" tone={short ? 'warn' : 'ok'} icon={short ? 'warn' : 'ok'}>
                <span className="ph-num">{t('explorer.ofWanted', { have: view.ready, wanted: view.wanted })}</span>
              </Chip>,
            ],
            view.updated !== null && [t('explorer.updated'), number(view.updated)],
            view.available !== null && [t('explorer.available'), number(view.available)],
            view.failed !== null && view.failed > 0 && [t('explorer.failedPods'), <Chip key="f" tone="bad" icon="fail"><span className="ph-num">{view.failed}</span></Chip>],
            view.schedule !== '' && [t('explorer.schedule'), <code key="s">{visible(view.schedule)}</code>],
            view.lastRun !== null && [t('explorer.lastRun'), <Ago key="l" at={view.lastRun} />],
            view.paused && [t('explorer.scheduling'), <Chip key="p" tone="warn" icon="warn">{t('explorer.paused')}</Chip>],
            view.strategy !== '' && [t('explorer.strategy'), <code key="st">{visible(view.strategy)}</code>],
          ]}
        />
      </Section>
      {view.pods !== null && <Pods {...of} fields={null} labels={view.pods} />}
    </>
  );
}

const MOST = 50;

/** The pods of something, as the server draws them. */
function Pods({ cluster, namespace, fields, labels, follow, onOpen }: Of & { fields: string | null; labels: string | null }) {
  const { t } = useT();
  const kind = follow('v1', 'Pod');
  const table = useTable({ cluster: cluster.view.id, kind: 'pods', namespace, fields, labels });
  const rows = table.data?.rows ?? [];
  const at = (name: string) => table.data?.columns.findIndex((column) => column.name === name) ?? -1;
  const [ready, status, restarts, age] = ['Ready', 'Status', 'Restarts', 'Age'].map(at) as [number, number, number, number];
  const read = (cells: readonly unknown[], index: number) => (index < 0 ? '' : visible(textOf(cells[index] as Json)));
  return (
    <Section title={t('explorer.pods')} aside={<span className="ph-muted ph-num">{table.data?.whole ? rows.length : ''}</span>} testId="its-pods">
      {table.error && <FaultView fault={table.error} compact mild />}
      {table.data?.whole && rows.length === 0 && <p className="ph-muted">{t('explorer.noPods')}</p>}
      <ul className="ph-lines">
        {rows.slice(0, MOST).map((row) => {
          const word = read(row.cells, status);
          const mark = meaning(word);
          return (
            <li key={`${row.namespace ?? ''}/${row.name}`} data-testid="its-pod">
              {kind ? (
                <button type="button" className="ph-plain ph-link ph-break ph-grow" onClick={() => onOpen(kind.name, { name: row.name, in: row.namespace, ...(row.namespace === null ? {} : { ns: row.namespace }) })}>
                  {namespace === null && row.namespace !== null ? `${visible(row.namespace)}/` : ''}
                  {visible(row.name)}
                </button>
              ) : (
                <span className="ph-break ph-grow">{visible(row.name)}</span>
              )}
              <Chip tone={mark?.tone ?? 'idle'} icon={mark?.icon ?? 'info'} quiet>
                {word}
              </Chip>
              <span className="ph-num ph-muted">{read(row.cells, ready)}</span>
              {!/^0?$/.test(read(row.cells, restarts)) && <span className="ph-num ph-muted">{t('explorer.restarted', { count: read(row.cells, restarts) })}</span>}
              <span className="ph-num ph-faint">{read(row.cells, age)}</span>
            </li>
          );
        })}
      </ul>
      {rows.length > MOST && <p className="ph-muted">{t('explorer.morePods', { count: rows.length - MOST })}</p>}
    </Section>
  );
}

/** What is used now, beside what was asked for and what is the most. Real usage or nothing: requests are never shown as usage. */
function UsageOf({ cluster, namespace, name, asked, most }: Of & { asked: Reserve | null; most: Reserve }) {
  const { t } = useT();
  const usage = useUsage({ cluster: cluster.view.id, namespace });
  const own = usage.data?.find((one) => one.name === name);
  const at = own?.at ? Date.parse(own.at) : NaN;
  const line = (used: number | undefined, what: 'cpu' | 'memory', show: (value: number) => string) => {
    const [request, limit] = [asked?.[what] ?? null, most[what]];
    return (
      <div className="ph-stack tight">
        <span className="ph-row wrap ph-num">
          {used !== undefined && <strong>{show(used)}</strong>}
          {request !== null && <span className="ph-muted">{t('explorer.asked', { much: show(request) })}</span>}
          {limit !== null && <span className="ph-muted">{asked ? t('explorer.limit', { much: show(limit) }) : t('explorer.allocatable', { much: show(limit) })}</span>}
          {used === undefined && request === null && limit === null && <span className="ph-faint">–</span>}
        </span>
        {used !== undefined && (limit ?? request) !== null && (limit ?? request)! > 0 && (
          <meter className="ph-meter" min={0} max={1} high={0.9} value={Math.min(1, used / (limit ?? request)!)} aria-label={t(what === 'cpu' ? 'explorer.cpu' : 'explorer.memory')} />
        )}
      </div>
    );
  };
  const without = usage.error?.code === 'no_metrics' ? t('explorer.noMetrics') : usage.data && !own ? t('explorer.notMeasured') : null;
  return (
    <Section title={t('explorer.usage')} aside={Number.isFinite(at) ? <span className="ph-faint">{t('explorer.measured')} <Ago at={at} /></span> : undefined} testId="usage">
      {usage.error && usage.error.code !== 'no_metrics' && <FaultView fault={usage.error} compact mild />}
      <Facts rows={[[t('explorer.cpu'), line(own?.cpuCores, 'cpu', cores)], [t('explorer.memory'), line(own?.memoryBytes, 'memory', (value) => bytes(Math.round(value)))]]} />
      {without !== null && <p className="ph-muted" data-testid="usage-none">{without}</p>}
    </Section>
  );
}
