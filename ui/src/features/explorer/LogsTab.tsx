/** Logs of one pod, or of all pods of a workload at once, as they come in. While somebody reads further up, nothing moves and the core waits. */
import { Button, Checkbox, Select } from '@mantine/core';
import { useVirtualizer } from '@tanstack/react-virtual';
import { useCallback, useEffect, useMemo, useRef, useState } from 'react';
import { useClient } from '@/ipc/query';
import { useT } from '@/shared/i18n/t';
import { visible } from '@/shared/lib/visible';
import { Chip } from '@/shared/ui/chips';
import { Icon } from '@/shared/ui/icon';
import { IconButton, Notice } from '@/shared/ui/parts';
import { SearchBox } from '@/shared/ui/search';
import { Empty, FaultView } from '@/shared/ui/states';
import { uuid } from '@/shared/lib/hooks';
import type { ClusterDetail, KubeKindView } from './api';
import { found, hue, Lines, pieces, plain, stream, type KubeLogBatch, type KubeLogSource, type Line, type UiFault, type Words } from './streams';

type Props = { cluster: ClusterDetail; kind: KubeKindView; namespace: string | null; name: string; containers: readonly string[] };

const ALL = '*';
const SINCE = ['0', '300', '3600', '86400'] as const;
type Since = (typeof SINCE)[number];
const TAIL = ['100', '500', '5000', ''];
const ROW = 18;

type State = { going: boolean; fault: UiFault | null; sources: KubeLogSource[]; notes: Words[]; waiting: number };
const BEGINNING: State = { going: true, fault: null, sources: [], notes: [], waiting: 0 };

export function LogsTab({ cluster, kind, namespace, name, containers }: Props) {
  const { t, say } = useT();
  const client = useClient();
  const [container, setContainer] = useState('');
  const [previous, setPrevious] = useState(false);
  const [since, setSince] = useState<Since>('0');
  const [tail, setTail] = useState('500');
  const [times, setTimes] = useState(false);
  const [wrap, setWrap] = useState(false);
  const [typed, setTyped] = useState('');
  const [place, setPlace] = useState(0);
  const [turn, setTurn] = useState(0);
  const [state, setState] = useState<State>(BEGINNING);
  const [saved, setSaved] = useState<{ path: string | null; fault: UiFault | null } | null>(null);
  const [lines, setLines] = useState<readonly Line[]>([]);
  const [left, setLeft] = useState(0);
  const kept = useRef(new Lines());
  const held = useRef<KubeLogBatch[]>([]);
  const stuck = useRef(true);
  const [paused, setPaused] = useState(false);
  const taken = useRef<(n: number) => void>(() => undefined);
  const box = useRef<HTMLDivElement>(null);

  const query = useMemo(
    () => ({
      cluster: cluster.view.id,
      kind: kind.name,
      namespace,
      name,
      container: container === '' || container === ALL ? null : container,
      allContainers: container === ALL,
      follow: !previous,
      previous,
      sinceSecs: since === '0' ? null : Number(since),
      tail: tail === '' ? null : Number(tail),
    }),
    [cluster.view.id, kind.name, namespace, name, container, previous, since, tail],
  );

  const take = useCallback((batches: readonly KubeLogBatch[]) => {
    for (const batch of batches) kept.current.add(batch.lines);
    setLines(kept.current.all.slice());
    setLeft(kept.current.left);
    const last = batches.at(-1);
    if (last) taken.current(last.n);
  }, []);

  useEffect(() => {
    kept.current = new Lines();
    held.current = [];
    let mine = true;
    // What is shown belongs to the question before this one.
    setLines([]);
    setLeft(0);
    setState(BEGINNING);
    const going = stream(client, 'kube_logs', query, (batch, way) => {
      if (!mine) return;
      taken.current = way.taken;
      if (batch.sources || batch.notes.length > 0) setState((now) => ({ ...now, sources: batch.sources ?? now.sources, notes: [...now.notes, ...batch.notes].slice(-5) }));
      if (stuck.current) take([batch]);
      else {
        held.current.push(batch);
        setState((now) => ({ ...now, waiting: now.waiting + batch.lines.length }));
      }
    });
    going.ended.then(
      () => mine && setState((now) => ({ ...now, going: false })),
      (fault: UiFault) => mine && setState((now) => ({ ...now, going: false, fault })),
    );
    return () => {
      mine = false;
      going.stop();
    };
  }, [client, query, turn, take]);

  const resume = useCallback(() => {
    stuck.current = true;
    setPaused(false);
    const batches = held.current;
    held.current = [];
    setState((now) => ({ ...now, waiting: 0 }));
    if (batches.length > 0) take(batches);
  }, [take]);
  const pause = () => {
    stuck.current = false;
    setPaused(true);
  };

  // eslint-disable-next-line react-hooks/incompatible-library
  const rows = useVirtualizer({ count: lines.length, getScrollElement: () => box.current, estimateSize: () => ROW, overscan: 20, getItemKey: (index) => lines[index]?.id ?? index });
  const last = lines.at(-1)?.id;
  useEffect(() => {
    if (!paused && lines.length > 0) rows.scrollToIndex(lines.length - 1, { align: 'end' });
    // Only new lines move it.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [last, paused, wrap]);
  const onScroll = () => {
    const it = box.current;
    if (!it) return;
    const below = it.scrollHeight - it.scrollTop - it.clientHeight;
    if (paused && below < ROW) resume();
  };
  const onWheel = (up: boolean) => {
    if (up && !paused) pause();
  };

  const finds = useMemo(() => found(lines, typed.trim()), [lines, typed]);
  const here = finds.length === 0 ? -1 : finds[Math.min(place, finds.length - 1)]!;
  const go = (step: number) => {
    if (finds.length === 0) return;
    const next = (Math.min(place, finds.length - 1) + step + finds.length) % finds.length;
    pause();
    setPlace(next);
    rows.scrollToIndex(finds[next]!, { align: 'center' });
  };

  const many = state.sources.length > 1;
  const label = (line: Line) => (state.sources.some((one) => one.pod === line.pod && one.container !== line.container) ? `${line.pod}/${line.container}` : line.pod);
  const asText = (line: Line) => `${times && line.at ? `${line.at} ` : ''}${many ? `[${label(line)}] ` : ''}${plain(line.text)}`;
  const save = (whole: boolean) => {
    setSaved(null);
    client
      .call('kube_logs_save', { name: `${name}.log`, text: whole ? null : `${lines.map(asText).join('\n')}\n`, query: { ...query, ask: uuid() } })
      .then(
        (res) => setSaved(res.path === null ? null : { path: res.path, fault: null }),
        (fault: UiFault) => setSaved({ path: null, fault }),
      );
  };

  return (
    <div className="ph-fill ph-logs" data-testid="logs">
      <div className="ph-row wrap ph-logshead">
        <Select
          className="ph-filter"
          aria-label={t('logs.container')}
          data={[{ value: '', label: t('logs.usual') }, ...containers.map((one) => ({ value: one, label: visible(one) })), { value: ALL, label: t('logs.allContainers') }]}
          value={container}
          onChange={(next) => setContainer(next ?? '')}
          allowDeselect={false}
          data-testid="logs-container"
        />
        <Select className="ph-filter" aria-label={t('logs.since')} data={SINCE.map((value) => ({ value, label: t(`logs.since${value}`) }))} value={since} onChange={(next) => setSince((next ?? '0') as Since)} allowDeselect={false} data-testid="logs-since" />
        <Select className="ph-filter" aria-label={t('logs.tail')} data={TAIL.map((value) => ({ value, label: value === '' ? t('logs.whole') : t('logs.last', { count: Number(value) }) }))} value={tail} onChange={(next) => setTail(next ?? '')} allowDeselect={false} data-testid="logs-tail" />
        <Checkbox label={t('logs.previous')} checked={previous} onChange={(event) => setPrevious(event.currentTarget.checked)} data-testid="logs-previous" />
        <Checkbox label={t('logs.times')} checked={times} onChange={(event) => setTimes(event.currentTarget.checked)} data-testid="logs-times" />
        <Checkbox label={t('logs.wrap')} checked={wrap} onChange={(event) => setWrap(event.currentTarget.checked)} data-testid="logs-wrap" />
      </div>
      <div className="ph-row wrap ph-logshead">
        <SearchBox aside value={typed} onChange={(next) => { setTyped(next); setPlace(0); }} label={t('logs.search')} testId="logs-search" onDown={() => go(1)} />
        {typed.trim() !== '' && (
          <>
            <span className="ph-muted ph-num" role="status" data-testid="logs-found">
              {finds.length === 0 ? t('logs.notFound') : t('logs.found', { at: Math.min(place, finds.length - 1) + 1, count: finds.length })}
            </span>
            <IconButton icon="arrowUp" label={t('logs.before')} onClick={() => go(-1)} disabled={finds.length === 0} testId="logs-before" />
            <IconButton icon="arrowDown" label={t('logs.next')} onClick={() => go(1)} disabled={finds.length === 0} testId="logs-next" />
          </>
        )}
        <span className="ph-grow" />
        {state.going ? (
          <Chip tone="ok" icon="play" quiet>
            {previous ? t('logs.reading') : t('logs.following', { count: state.sources.length })}
          </Chip>
        ) : (
          !state.fault && (
            <Chip tone="idle" icon="stop" quiet>
              {t('logs.ended')}
            </Chip>
          )
        )}
        <IconButton icon="refresh" label={t('logs.again')} onClick={() => { resume(); setTurn((now) => now + 1); }} testId="logs-again" />
        <Button leftSection={<Icon name="download" size={14} />} onClick={() => save(false)} disabled={lines.length === 0} data-testid="logs-save">
          {t('logs.saveShown')}
        </Button>
        <Button leftSection={<Icon name="download" size={14} />} onClick={() => save(true)} data-testid="logs-save-all">
          {t('logs.saveAll')}
        </Button>
      </div>
      {state.fault && <FaultView fault={state.fault} compact onRetry={() => setTurn((now) => now + 1)} />}
      {saved?.fault && <FaultView fault={saved.fault} compact mild />}
      {saved?.path && (
        <Notice tone="idle" icon="check" testId="logs-saved">
          {t('logs.saved', { path: visible(saved.path) })}
        </Notice>
      )}
      {state.notes.map((note, at) => (
        <div className="ph-strip" role="status" key={`${at}:${note.en}`} data-testid="logs-note">
          <Icon name="info" size={12} />
          <span className="ph-grow ph-break">{visible(say(note))}</span>
        </div>
      ))}
      {left > 0 && (
        <div className="ph-strip" role="status" data-testid="logs-left">
          <Icon name="info" size={12} />
          {t('logs.left', { count: left })}
        </div>
      )}
      {lines.length === 0 && !state.going && !state.fault && (
        <Empty icon="list" title={t('logs.none')} testId="logs-none">
          {t('logs.noneHint')}
        </Empty>
      )}
      {/* eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex, jsx-a11y/no-noninteractive-element-interactions -- it scrolls, so the keyboard must get there; whoever scrolls up reads */}
      <div className={`ph-loglines${wrap ? ' wrap' : ''}`} ref={box} onScroll={onScroll} onWheel={(event) => onWheel(event.deltaY < 0)} onKeyDown={(event) => onWheel(['ArrowUp', 'PageUp', 'Home'].includes(event.key))} role="log" aria-live="off" aria-label={t('logs.of', { name: visible(name) })} tabIndex={0} data-testid="logs-lines">
        <div style={{ height: rows.getTotalSize(), position: 'relative' }}>
          {rows.getVirtualItems().map((item) => {
            const line = lines[item.index];
            if (!line) return null;
            const source = label(line);
            return (
              <div key={item.key} ref={rows.measureElement} data-index={item.index} className={`ph-logline${item.index === here ? ' here' : ''}`} style={{ transform: `translateY(${item.start}px)` }} data-testid="log-line">
                {many && (
                  <span className="ph-logsource" style={{ borderColor: `hsl(${hue(line.pod)} 55% 50%)` }} title={visible(`${line.pod}/${line.container}`)}>
                    {visible(source)}
                  </span>
                )}
                {times && line.at && <span className="ph-faint ph-num">{visible(line.at)} </span>}
                <span>
                  {pieces(visible(plain(line.text)), typed.trim()).map((piece, at) => (at % 2 === 1 ? <mark key={at}>{piece}</mark> : piece))}
                </span>
              </div>
            );
          })}
        </div>
      </div>
      {paused && (
        <div className="ph-strip ask" role="status">
          <Icon name="pause" size={12} />
          <span className="ph-grow">{t('logs.paused', { count: state.waiting })}</span>
          <button type="button" className="ph-plain ph-link" onClick={() => { resume(); }} data-testid="logs-resume">
            {t('logs.resume')}
          </button>
        </div>
      )}
    </div>
  );
}
