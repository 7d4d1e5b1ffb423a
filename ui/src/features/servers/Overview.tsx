/** How one server is doing. */
import { Button } from '@mantine/core';
import { useT } from '@/shared/i18n/t';
import { bytes, duration, relative, stamp } from '@/shared/lib/format';
import { useNow } from '@/shared/lib/now';
import { visible } from '@/shared/lib/visible';
import { Icon } from '@/shared/ui/icon';
import { Ago, CodeBlock, CopyButton, Facts, Notice, Section } from '@/shared/ui/parts';
import { Sparkline } from '@/shared/ui/sparkline';
import { FaultView, Loading } from '@/shared/ui/states';
import { tellFault } from '@/shared/ui/toasts';
import { useAccept, useConnect, useFigures, type FiguresView, type ServerDetail } from './api';

export function Overview({ detail }: { detail: ServerDetail }) {
  const { t, word } = useT();
  const { view, facts, review } = detail;
  const accept = useAccept();
  const connect = useConnect();
  return (
    <div className="ph-stack ph-pad">
      {view.state === 'needs_review' && (
        <Notice
          tone="ask"
          title={t('servers.reviewTitle')}
          testId="review"
          actions={
            <Button variant="filled" loading={accept.isPending} onClick={() => accept.mutate({ id: view.id }, { onError: tellFault })} data-testid="server-accept" leftSection={<Icon name="check" size={14} />}>
              {t('servers.accept')}
            </Button>
          }
        >
          <div className="ph-stack tight">
            <span>{t('servers.reviewHint')}</span>
            <CodeBlock text={review ?? view.target} label={t('servers.target')} wrap />
          </div>
        </Notice>
      )}
      {view.fault && view.state !== 'needs_review' && (
        <FaultView
          fault={view.fault}
          mild={view.state !== 'error'}
          actions={
            <>
              {view.state === 'error' && (
                <Button leftSection={<Icon name="refresh" size={14} />} loading={connect.isPending} onClick={() => connect.mutate({ id: view.id }, { onError: tellFault })}>
                  {t('servers.tryNow')}
                </Button>
              )}
              {view.nextTryAt !== null && <NextTry at={view.nextTryAt} />}
            </>
          }
        />
      )}
      {view.stale && view.tools > 0 && view.state !== 'connected' && <Notice tone="idle" icon="clock">{t('servers.staleHint')}</Notice>}

      <Section title={t('servers.about')}>
        <Facts
          rows={[
            [t('servers.state'), <span key="s">{word('state', view.state)} · {t('servers.since')} <Ago at={view.since} /></span>],
            [t('servers.protocol'), <code key="p">{view.protocol}</code>],
            [
              t('servers.target'),
              <span key="t" className="ph-row top">
                <code className="ph-break">{visible(view.target)}</code>
                <CopyButton text={view.target} />
              </span>,
            ],
            facts && [t('servers.peer'), <span key="n">{visible(facts.name) || '–'} {facts.version && <span className="ph-muted">{visible(facts.version)}</span>}</span>],
            facts && [t('servers.revision'), <code key="r">{visible(facts.revision)}</code>],
            facts && facts.abilities.length > 0 && [t('servers.abilities'), <span key="a" className="ph-row wrap">{facts.abilities.map((ability) => <code key={ability} className="ph-tag">{visible(ability)}</code>)}</span>],
            facts?.pid != null && [t('servers.pid'), <code key="pid">{facts.pid}</code>],
            [t('servers.origin'), word('origin', view.origin)],
          ]}
        />
      </Section>

      <Section title={t('servers.figures')} aside={view.spark.length > 0 && <Sparkline values={view.spark} width={160} height={24} />}>
        <FiguresTable rows={detail.figures.filter((row) => row.tool === null)} head={t('servers.window')} name={(row) => windowName(row.windowSecs, t)} />
        <ErrorCodes rows={detail.figures} />
      </Section>
      <ByTool server={view.id} />

      {detail.rejected.length > 0 && (
        <Section title={t('servers.rejected', { count: detail.rejected.length })}>
          <ul className="ph-lines">
            {detail.rejected.map((row, index) => (
              <li key={index}>
                <code>{visible(row.name)}</code>
                <span className="ph-muted ph-break">{visible(row.reason)}</span>
              </li>
            ))}
          </ul>
        </Section>
      )}
      {facts?.instructions && (
        <Section title={t('servers.instructions')} aside={<span className="ph-muted">{t('servers.instructionsHint')}</span>}>
          <CodeBlock text={visible(facts.instructions)} label={t('servers.instructions')} maxHeight={220} wrap />
        </Section>
      )}
    </div>
  );
}

function NextTry({ at }: { at: number }) {
  const { t, lang } = useT();
  const now = useNow();
  return (
    <span className="ph-muted ph-num" title={stamp(at)}>
      {at > now ? t('servers.nextTry', { when: relative(at, now, lang) }) : t('servers.tryingNow')}
    </span>
  );
}

const windowName = (secs: number, t: ReturnType<typeof useT>['t']) => (secs === 60 ? t('window.60') : secs === 900 ? t('window.900') : secs === 86400 ? t('window.86400') : duration(secs * 1000));

function FiguresTable({ rows, head, name }: { rows: readonly FiguresView[]; head: string; name: (row: FiguresView) => string }) {
  const { t } = useT();
  if (rows.length === 0) return <p className="ph-muted">{t('servers.noFigures')}</p>;
  return (
    // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex
    <div className="ph-tablebox flat" tabIndex={0} role="group" aria-label={head}>
      <table className="ph-table figures">
        <thead>
          <tr>
            <th scope="col">{head}</th>
            <th scope="col" className="num">{t('figures.calls')}</th>
            <th scope="col" className="num">{t('figures.errors')}</th>
            <th scope="col" className="num">p50</th>
            <th scope="col" className="num">p95</th>
            <th scope="col" className="num">p99</th>
            <th scope="col" className="num">{t('figures.out')}</th>
            <th scope="col" className="num">{t('figures.in')}</th>
            <th scope="col" className="num">{t('figures.rate')}</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => {
            const errors = Object.values(row.errors).reduce((sum, count) => sum + count, 0);
            return (
              <tr key={`${row.windowSecs} ${row.tool ?? ''}`}>
                <th scope="row" title={name(row)}>{name(row)}</th>
                <td className="num">{row.calls}</td>
                <td className={errors > 0 ? 'num ph-tone-bad' : 'num'}>{errors}</td>
                <td className="num">{duration(row.p50Ms)}</td>
                <td className="num">{duration(row.p95Ms)}</td>
                <td className="num">{duration(row.p99Ms)}</td>
                <td className="num">{bytes(row.bytesOut)}</td>
                <td className="num">{bytes(row.bytesIn)}</td>
                <td className="num">{row.perSecond < 0.01 && row.perSecond > 0 ? '< 0.01' : row.perSecond.toFixed(2)} /s</td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}

function ErrorCodes({ rows }: { rows: readonly FiguresView[] }) {
  const { t } = useT();
  const widest = rows.filter((row) => row.tool === null).reduce<FiguresView | null>((best, row) => (!best || row.windowSecs > best.windowSecs ? row : best), null);
  const codes = Object.entries(widest?.errors ?? {}).filter(([, count]) => count > 0);
  if (!widest || codes.length === 0) return null;
  return (
    <div className="ph-row wrap">
      <span className="ph-muted">{t('figures.byCode', { window: windowName(widest.windowSecs, t) })}</span>
      {codes.map(([code, count]) => (
        <span key={code} className="ph-tag">
          <code>{code}</code> × {count}
        </span>
      ))}
    </div>
  );
}

function ByTool({ server }: { server: string }) {
  const { t } = useT();
  const figures = useFigures({ windowSecs: 86400, byTool: true, server });
  if (figures.isPending) return <Loading rows={2} />;
  if (figures.error) return <FaultView fault={figures.error} onRetry={() => void figures.refetch()} />;
  const rows = (figures.data ?? []).filter((row) => row.tool !== null && row.calls > 0).sort((a, b) => b.calls - a.calls).slice(0, 20);
  if (rows.length === 0) return null;
  return (
    <Section title={t('servers.byTool')}>
      <FiguresTable rows={rows} head={t('servers.tool')} name={(row) => visible(row.tool ?? '')} />
    </Section>
  );
}
