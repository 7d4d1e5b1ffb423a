/** What the cluster says happened to one object; it forgets after about an hour. */
import { useMemo } from 'react';
import { Button } from '@mantine/core';
import { useT } from '@/shared/i18n/t';
import { stamp } from '@/shared/lib/format';
import type { Json } from '@/shared/lib/words';
import { visible } from '@/shared/lib/visible';
import { Chip } from '@/shared/ui/chips';
import { Icon } from '@/shared/ui/icon';
import { Ago } from '@/shared/ui/parts';
import { Empty, FaultView } from '@/shared/ui/states';
import { keyOf, useGiveUp, useTable, type ClusterDetail } from './api';
import { ageOf, meaning, textOf } from './cells';
import { GivenUp, Waiting } from './parts';

export function EventsTab({ cluster, namespace, uid }: { cluster: ClusterDetail; namespace: string | null; uid: string }) {
  const { t } = useT();
  // Events of what is in no namespace are kept in `default`.
  const of = { cluster: cluster.view.id, kind: 'events', namespace: namespace ?? 'default', fields: `involvedObject.uid=${uid}` };
  const table = useTable(of);
  const giveUp = useGiveUp();
  const events = useMemo(() => {
    if (!table.data) return [];
    const at = (name: string) => table.data.columns.findIndex((column) => column.name === name);
    const [seen, type, reason, message, count] = ['Last Seen', 'Type', 'Reason', 'Message', 'Count'].map(at) as [number, number, number, number, number];
    const read = (cells: readonly unknown[], index: number) => (index < 0 ? '' : textOf(cells[index] as Json));
    return table.data.rows
      .map((row) => ({ name: row.name, seen: read(row.cells, seen), age: ageOf(read(row.cells, seen)), type: read(row.cells, type), reason: read(row.cells, reason), message: read(row.cells, message), count: Number(read(row.cells, count)) || 1 }))
      .sort((a, b) => (a.age ?? Infinity) - (b.age ?? Infinity));
  }, [table.data]);
  const retry = () => void table.refetch();
  if (!table.data)
    return table.error ? <FaultView fault={table.error} onRetry={retry} /> : table.fetchStatus === 'idle' ? <GivenUp name={cluster.view.name} onRetry={retry} /> : <Waiting name={cluster.view.name} onCancel={() => giveUp(keyOf.table(of))} />;
  return (
    <div className="ph-stack">
      <div className="ph-row">
        <span className="ph-muted ph-grow">
          {t('explorer.asOf')} <Ago at={table.dataUpdatedAt} />
        </span>
        <Button leftSection={<Icon name="refresh" size={14} />} loading={table.isFetching} onClick={retry} data-testid="events-again">
          {t('explorer.refresh')}
        </Button>
      </div>
      {table.error && <FaultView fault={table.error} compact mild />}
      {events.length === 0 ? (
        <Empty icon="history" title={t('explorer.noEvents')} testId="events-none">
          {t('explorer.noEventsHint')}
        </Empty>
      ) : (
        <ul className="ph-lines">
          {events.map((event) => {
            const mark = meaning(event.type);
            return (
              <li key={event.name} className="ph-stack tight" data-testid="event">
                <span className="ph-row wrap">
                  <Chip tone={mark?.tone === 'ok' ? 'idle' : (mark?.tone ?? 'idle')} icon={mark?.tone === 'warn' ? 'warn' : 'info'} quiet>
                    {visible(event.type)}
                  </Chip>
                  <strong className="ph-break">{visible(event.reason)}</strong>
                  {event.count > 1 && <span className="ph-muted ph-num">× {event.count}</span>}
                  <span className="ph-grow" />
                  <span className="ph-faint ph-num" title={event.age === null ? undefined : t('explorer.about', { at: stamp(table.dataUpdatedAt - event.age) })}>
                    {visible(event.seen)}
                  </span>
                </span>
                <span className="ph-break">{visible(event.message)}</span>
              </li>
            );
          })}
        </ul>
      )}
    </div>
  );
}
