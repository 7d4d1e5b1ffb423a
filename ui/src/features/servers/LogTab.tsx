/** What went over the wire and what the program said on stderr, redacted by the core. */
import { Button, SegmentedControl } from '@mantine/core';
import { useMemo, useState } from 'react';
import { useT } from '@/shared/i18n/t';
import { bytes, clockMs, iso, sizeOf } from '@/shared/lib/format';
import { visible } from '@/shared/lib/visible';
import { Grid, type Column } from '@/shared/ui/grid';
import { Icon } from '@/shared/ui/icon';
import { CodeBlock, CopyButton, IconButton } from '@/shared/ui/parts';
import { SearchBox } from '@/shared/ui/search';
import { Empty, Failed, FilteredEmpty, Loading } from '@/shared/ui/states';
import { useLog, type FrameView, type ServerView } from './api';

type Show = 'all' | 'json' | 'stderr';

export function LogTab({ server }: { server: ServerView }) {
  const { t } = useT();
  const [paused, setPaused] = useState(false);
  const [show, setShow] = useState<Show>('all');
  const [query, setQuery] = useState('');
  const [chosen, setChosen] = useState<string | null>(null);
  const log = useLog(server.id, paused ? false : 2000);

  const frames = useMemo(() => {
    const wanted = query.trim().toLowerCase();
    return [...(log.data?.frames ?? [])]
      .filter((frame) => (show === 'all' ? true : show === 'stderr' ? frame.kind === 'stderr' : frame.kind === 'json' || frame.kind === 'http'))
      .filter((frame) => wanted === '' || frame.text.toLowerCase().includes(wanted))
      .reverse();
  }, [log.data, show, query]);

  const columns = useMemo(
    (): Column<FrameView>[] => [
      { key: 'at', head: t('log.at'), min: 92, cell: (row) => <code className="ph-num ph-muted">{clockMs(row.at)}</code> },
      {
        key: 'way',
        head: t('log.way'),
        min: 84,
        cell: (row) => (
          <span className={`ph-way ${row.kind} ${row.sent ? 'out' : 'in'}`}>
            <Icon name={row.kind === 'stderr' ? 'terminal' : row.kind === 'note' ? 'info' : row.kind === 'noise' ? 'warn' : row.sent ? 'arrowUp' : 'arrowDown'} size={12} />
            {row.kind === 'json' || row.kind === 'http' ? (row.sent ? t('log.sent') : t('log.got')) : t(`log.kind.${row.kind as 'stderr' | 'noise' | 'note'}`)}
          </span>
        ),
      },
      { key: 'text', head: t('log.text'), min: 120, grow: 1, cell: (row) => <code className="ph-cut">{visible(row.text.slice(0, 400))}</code> },
      { key: 'size', head: t('log.size'), min: 70, rank: 1, end: true, cell: (row) => <span className="ph-num ph-muted">{bytes(sizeOf(row.text))}</span> },
    ],
    [t],
  );

  const open = frames.find((frame) => String(frame.seq) === chosen);
  const asText = () => [...frames].reverse().map((frame) => `${iso(frame.at)} ${frame.kind} ${frame.sent ? '>' : '<'} ${frame.text}`).join('\n');
  return (
    <div className="ph-listpane">
      <div className="ph-bar">
        <SearchBox value={query} onChange={setQuery} label={t('log.search')} testId="log-search" />
        <SegmentedControl
          value={show}
          onChange={(next) => setShow(next as Show)}
          aria-label={t('log.show')}
          data={[
            { value: 'all', label: t('log.all') },
            { value: 'json', label: t('log.messages') },
            { value: 'stderr', label: 'stderr' },
          ]}
        />
        <span className="ph-grow" />
        <IconButton icon={paused ? 'play' : 'pause'} label={paused ? t('log.resume') : t('log.pause')} onClick={() => setPaused(!paused)} pressed={paused} testId="log-pause" />
        <CopyButton text={asText} label={t('log.copy')} />
      </div>
      {paused && (
        <div className="ph-strip">
          <Icon name="pause" size={12} />
          {t('log.paused')}
          <button type="button" className="ph-plain ph-link" onClick={() => setPaused(false)}>
            {t('log.resume')}
          </button>
        </div>
      )}
      {log.isPending ? (
        <Loading />
      ) : !log.data ? (
        <Failed fault={log.error} onRetry={() => void log.refetch()} />
      ) : frames.length === 0 ? (
        (log.data.frames.length > 0 || query) && !(show === 'stderr' && log.data.stderr) ? (
          <FilteredEmpty
            what={t('log.many')}
            onClear={() => {
              setQuery('');
              setShow('all');
            }}
          />
        ) : log.data.stderr ? (
          <div className="ph-pad">
            <CodeBlock text={visible(log.data.stderr)} label="stderr" wrap />
          </div>
        ) : (
          <Empty icon="terminal" title={t('log.none')}>
            {t('log.noneHint')}
          </Empty>
        )
      ) : (
        <Grid label={t('servers.tab.log')} rows={frames} columns={columns} rowKey={(row) => String(row.seq)} selected={chosen} onSelect={(row) => setChosen(String(row.seq))} rowHeight={26} rowTestId="log-row" rowTone={(row) => (row.kind === 'stderr' || row.kind === 'noise' ? 'dim' : undefined)} />
      )}
      {open && (
        <div className="ph-drawer" data-testid="log-frame">
          <div className="ph-row ph-spread">
            <span className="ph-muted ph-num">
              #{open.seq} · {clockMs(open.at)} · {bytes(sizeOf(open.text))}
            </span>
            <Button variant="subtle" color="gray" onClick={() => setChosen(null)} leftSection={<Icon name="close" size={13} />}>
              {t('common.close')}
            </Button>
          </div>
          <CodeBlock text={visible(pretty(open.text))} label={t('log.text')} maxHeight={260} wrap />
        </div>
      )}
    </div>
  );
}

function pretty(text: string): string {
  if (!/^\s*[[{]/.test(text) || text.length > 200_000) return text;
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}
