/** Activity: what was called, by whom, how it ended, and whether the log is whole. */
import { Button, Select } from '@mantine/core';
import { useCallback, useEffect, useMemo, useRef, useState } from 'react';
import { usePrefs } from '@/ipc/prefs';
import { useT } from '@/shared/i18n/t';
import { bytes, byName, clock, duration, stamp } from '@/shared/lib/format';
import { useRested } from '@/shared/lib/hooks';
import { useNow } from '@/shared/lib/now';
import { go, replace, useRoute } from '@/shared/lib/route';
import { visible } from '@/shared/lib/visible';
import { EndingChip, RiskChip } from '@/shared/ui/chips';
import { Grid, type Column } from '@/shared/ui/grid';
import { Icon } from '@/shared/ui/icon';
import { Notice, PageHead } from '@/shared/ui/parts';
import { SearchBox } from '@/shared/ui/search';
import { Split } from '@/shared/ui/split';
import { Empty, Failed, FaultView, FilteredEmpty, Loading } from '@/shared/ui/states';
import { tell } from '@/shared/ui/toasts';
import { useActivity, useExport, useServerNames, useVerify, type ActivityRow } from './api';
import { ActivityDetail } from './ActivityDetail';

const ENDINGS = ['running', 'done', 'tool_error', 'fault', 'cancelled', 'interrupted', 'refused', 'note'];
const SPANS: Record<string, number> = { hour: 3_600_000, day: 86_400_000, week: 7 * 86_400_000 };

export function ActivityPage() {
  const { t, word } = useT();
  const route = useRoute();
  const { value, set } = usePrefs();
  const chosen = route.path[1] ?? null;
  const ending = route.query.get('ending');
  const server = route.query.get('server');
  const span = route.query.get('span');
  const [text, setText] = useState(route.query.get('q') ?? '');
  const rested = useRested(text.trim(), 200);
  // A span is counted from when it was chosen, not anew on each drawing: the question to the core must keep still.
  const since = Number(route.query.get('since')) || null;

  const activity = useActivity({ text: rested === '' ? null : rested, ending, server, from: span ? since : null, until: null });
  const servers = useServerNames();
  const verify = useVerify();
  const download = useExport();

  const looked = value('lookedAtActivity') === true;
  useEffect(() => {
    if (!looked) set('lookedAtActivity', true);
  }, [looked, set]);
  const { mutate: runVerify } = verify;
  const wantsVerify = route.query.get('verify') === 'now';
  useEffect(() => {
    if (!wantsVerify) return;
    runVerify({});
    replace(['activity']);
  }, [wantsVerify, runVerify]);

  const rows = useMemo(() => activity.data?.pages.flat() ?? [], [activity.data]);
  const query = { ending, server, span, since: route.query.get('since') };
  const filter = (part: Record<string, string | null>) => replace(['activity', ...(chosen ? [chosen] : [])], { ...query, ...part });
  const filtered = rested !== '' || ending !== null || server !== null || span !== null;
  const clear = () => {
    setText('');
    replace(['activity', ...(chosen ? [chosen] : [])]);
  };

  const columns = useMemo(
    (): Column<ActivityRow>[] => [
      { key: 'at', head: t('activity.at'), min: 108, cell: (row) => <span className="ph-num ph-muted" title={stamp(row.at)}><When at={row.at} /></span> },
      { key: 'ending', head: t('activity.ending'), min: 104, cell: (row) => <EndingChip value={row.ending} quiet /> },
      {
        key: 'what',
        head: t('activity.what'),
        min: 130,
        grow: 1.4,
        cell: (row) => <code className="ph-cut" title={row.what}>{row.kind === 'note' ? word('note', row.what) : visible(row.what)}</code>,
      },
      { key: 'server', head: t('activity.server'), min: 100, grow: 0.9, rank: 2, cell: (row) => <span className="ph-cut">{visible(row.server) || <span className="ph-faint">–</span>}</span> },
      { key: 'actor', head: t('activity.actor'), min: 120, grow: 0.8, rank: 5, cell: (row) => <span className="ph-cut ph-muted">{visible(row.actor)} · {word('door', row.door)}</span> },
      { key: 'risk', head: t('tools.risk'), min: 84, rank: 3, cell: (row) => (row.risk ? <RiskChip value={row.risk} quiet /> : <span className="ph-faint">–</span>) },
      { key: 'rule', head: t('activity.rule'), min: 130, grow: 0.8, rank: 7, cell: (row) => <code className="ph-cut ph-muted">{row.rule ?? '–'}</code> },
      { key: 'code', head: t('activity.code'), min: 110, grow: 0.7, rank: 6, cell: (row) => (row.code ? <code className="ph-cut">{row.code}</code> : <span className="ph-faint">–</span>) },
      { key: 'took', head: t('activity.took'), min: 64, rank: 1, end: true, cell: (row) => (row.ending === 'running' ? <Running since={row.at} /> : <span className="ph-num">{duration(row.elapsedMs)}</span>) },
      { key: 'bytes', head: t('activity.bytes'), min: 72, rank: 4, end: true, cell: (row) => <span className="ph-num ph-muted">{bytes(row.bytes)}</span> },
    ],
    [t, word],
  );

  const names = useMemo(() => (servers.data ?? []).map((row) => ({ value: row.id, label: visible(row.name) })).sort((a, b) => byName(a.label, b.label)), [servers.data]);
  const { hasNextPage, isFetchingNextPage, fetchNextPage } = activity;
  const more = useCallback(() => {
    if (hasNextPage && !isFetchingNextPage) void fetchNextPage();
  }, [hasNextPage, isFetchingNextPage, fetchNextPage]);

  const list = (
    <div className="ph-listpane">
      <div className="ph-bar">
        <SearchBox value={text} onChange={setText} label={t('activity.search')} testId="activity-search" />
        <Select className="ph-filter" data={ENDINGS.map((one) => ({ value: one, label: word('ending', one) }))} value={ending} onChange={(next) => filter({ ending: next })} placeholder={t('activity.anyEnding')} aria-label={t('activity.ending')} clearable clearButtonProps={{ 'aria-label': t('common.clear') }} data-testid="activity-ending" />
        <Select className="ph-filter" data={names} value={server} onChange={(next) => filter({ server: next })} placeholder={t('tools.anyServer')} aria-label={t('activity.server')} clearable clearButtonProps={{ 'aria-label': t('common.clear') }} searchable={names.length > 8} />
        <Select className="ph-filter narrow" data={Object.keys(SPANS).map((one) => ({ value: one, label: t(`span.${one as 'hour'}`) }))} value={span} onChange={(next) => filter({ span: next, since: next && SPANS[next] ? String(Date.now() - SPANS[next]) : null })} placeholder={t('span.any')} aria-label={t('span.label')} clearable clearButtonProps={{ 'aria-label': t('common.clear') }} />
      </div>
      {verify.isPending && (
        <div className="ph-strip" role="status">
          <Icon name="busy" size={13} />
          {t('activity.verifying')}
        </div>
      )}
      {verify.error && (
        <div className="ph-pad">
          <FaultView fault={verify.error} onRetry={() => verify.mutate({})} />
        </div>
      )}
      {verify.data && (
        <div className="ph-pad">
          {verify.data.ok ? (
            <Notice tone="ok" icon="shield" testId="verify-result" title={t('activity.verifyOk', { count: verify.data.rows })} actions={<Button onClick={() => verify.reset()}>{t('common.close')}</Button>} />
          ) : (
            <Notice tone="bad" testId="verify-result" title={t('activity.verifyBad', { seq: verify.data.firstBad ?? '?', why: word('broken', verify.data.why ?? '') })} actions={<Button onClick={() => verify.reset()}>{t('common.close')}</Button>}>
              {t('activity.verifyBadHint', { count: verify.data.rows })}
            </Notice>
          )}
        </div>
      )}
      {activity.isPending ? (
        <Loading rows={12} />
      ) : !activity.data ? (
        <Failed fault={activity.error} onRetry={() => void activity.refetch()} />
      ) : rows.length === 0 ? (
        filtered ? (
          <FilteredEmpty what={t('activity.many')} onClear={clear} />
        ) : (
          <Empty icon="activity" title={t('activity.none')} action={<Button variant="filled" onClick={() => go(['tools'])}>{t('activity.callOne')}</Button>}>
            {t('activity.noneHint')}
          </Empty>
        )
      ) : (
        <Grid
          label={t('nav.activity')}
          rows={rows}
          columns={columns}
          rowKey={(row) => row.id}
          selected={chosen}
          onSelect={(row) => go(['activity', row.id], query)}
          rowTestId="activity-row"
          onEnd={more}
          foot={isFetchingNextPage ? <span className="ph-muted">{t('common.loading')}</span> : undefined}
        />
      )}
    </div>
  );

  return (
    <>
      <PageHead title={t('nav.activity')}>
        <Button
          leftSection={<Icon name="download" size={14} />}
          loading={download.isPending}
          onClick={() => download.mutate({}, { onSuccess: (found) => found.path && tell(t('activity.exported', { path: found.path })) })}
          data-testid="activity-export"
        >
          {t('activity.export')}
        </Button>
        <Button variant="filled" leftSection={<Icon name="shield" size={14} />} loading={verify.isPending} onClick={() => verify.mutate({})} data-testid="activity-verify">
          {t('activity.verify')}
        </Button>
      </PageHead>
      {download.error && (
        <div className="ph-pad">
          <FaultView fault={download.error} />
        </div>
      )}
      <Split name="activity" initial={0.58} list={list} detail={chosen ? <ActivityDetail key={chosen} id={chosen} known={rows.find((row) => row.id === chosen)} onClose={() => go(['activity'], query)} /> : null} />
    </>
  );
}

/** Today the time is enough; before, the day comes first. */
function When({ at }: { at: number }) {
  const ref = useRef(new Date().toDateString());
  // eslint-disable-next-line react-hooks/refs
  return <>{new Date(at).toDateString() === ref.current ? clock(at) : stamp(at).slice(5)}</>;
}

export function Running({ since }: { since: number }) {
  const now = useNow();
  return <span className="ph-num ph-tone-run">{duration(Math.max(0, Math.floor((now - since) / 1000) * 1000))}</span>;
}
