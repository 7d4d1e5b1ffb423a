/** One line of the log, whole. */
import { useT } from '@/shared/i18n/t';
import { bytes, duration, shortId, stamp } from '@/shared/lib/format';
import { href } from '@/shared/lib/route';
import { visible } from '@/shared/lib/visible';
import { isMap } from '@/shared/lib/words';
import { JsonTree } from '@/shared/json/tree';
import { EndingChip, RiskChip } from '@/shared/ui/chips';
import { Ago, CopyButton, Facts, IconButton, Ident, Notice, Section } from '@/shared/ui/parts';
import { Failed, Loading } from '@/shared/ui/states';
import { useOne, useServerNames, type ActivityRow } from './api';

export function ActivityDetail({ id, known, onClose }: { id: string; known: ActivityRow | undefined; onClose: () => void }) {
  const { t } = useT();
  const one = useOne(id);
  const row = one.data?.find((found) => found.id === id) ?? known;
  if (!row) {
    if (one.isPending) return <Loading />;
    if (one.error) return <Failed fault={one.error} onRetry={() => void one.refetch()} />;
    return (
      <section className="ph-panel" aria-label={id}>
        <header className="ph-panelhead">
          <h2 className="ph-grow">{t('activity.gone')}</h2>
          <IconButton icon="close" label={t('common.closePanel')} onClick={onClose} />
        </header>
        <div className="ph-pad ph-muted">{t('activity.goneHint', { id })}</div>
      </section>
    );
  }
  return <Detail row={row} onClose={onClose} />;
}

function Detail({ row, onClose }: { row: ActivityRow; onClose: () => void }) {
  const { t, word } = useT();
  const servers = useServerNames();
  const server = servers.data?.find((one) => one.name === row.server);
  const title = row.kind === 'note' ? word('note', row.what) : visible(row.what);
  return (
    <section className="ph-panel" aria-label={title} data-testid="activity-detail">
      <header className="ph-panelhead">
        <h2 className={row.kind === 'note' ? 'ph-cut' : 'ph-cut ph-mono'} title={title}>
          {title}
        </h2>
        <EndingChip value={row.ending} />
        <span className="ph-grow" />
        <IconButton icon="close" label={t('common.closePanel')} onClick={onClose} />
      </header>
      <div className="ph-scroll ph-pad ph-stack">
        {row.ending === 'interrupted' && <Notice tone="warn">{t('activity.interruptedHint')}</Notice>}
        {row.ending === 'refused' && <Notice tone="ask" icon="lock">{t('activity.refusedHint', { rule: row.rule ?? '–' })}</Notice>}
        <Facts
          rows={[
            [t('common.reference'), <Ident key="id" id={row.id} />],
            [t('activity.at'), <span key="at">{stamp(row.at)} <span className="ph-muted">(<Ago at={row.at} />)</span></span>],
            [t('activity.actor'), `${visible(row.actor)} · ${word('door', row.door)}`],
            row.server !== '' && [t('activity.server'), server ? <a key="s" href={href(['servers', server.id])}>{visible(row.server)}</a> : visible(row.server)],
            row.kind === 'call' && [t('tools.tool'), server ? <a key="t" className="ph-mono" href={href(['tools', server.id, row.what])}>{visible(row.what)}</a> : <code key="t">{visible(row.what)}</code>],
            row.risk !== null && [t('tools.risk'), <RiskChip key="r" value={row.risk} />],
            row.rule !== null && [t('activity.rule'), <code key="rule">{visible(row.rule)}</code>],
            row.code !== null && [t('activity.code'), <code key="code">{row.code}</code>],
            row.elapsedMs !== null && [t('activity.took'), duration(row.elapsedMs)],
            row.bytes !== null && [t('activity.bytes'), bytes(row.bytes)],
          ]}
        />
        <Section title={row.kind === 'call' ? t('activity.shape') : t('activity.facts')} aside={row.kind === 'call' && <span className="ph-muted">{t('activity.shapeHint')}</span>}>
          {isMap(row.detail) && Object.keys(row.detail).length === 0 ? <span className="ph-muted">{t('activity.noArgs')}</span> : <JsonTree value={row.detail} />}
        </Section>
        <Section title={t('activity.chain')}>
          <Facts
            rows={[
              [t('activity.seq'), <span key="n" className="ph-num">{row.seq}</span>],
              row.argsHash !== null && [t('activity.argsHash'), <Hash key="h" value={row.argsHash} />],
              ['MAC', <Hash key="m" value={row.mac} />],
            ]}
          />
        </Section>
        <div>
          <CopyButton words text={() => JSON.stringify(row, null, 2)} label={t('activity.copyRow')} />
        </div>
      </div>
    </section>
  );
}

const Hash = ({ value }: { value: string }) => <Ident id={value} show={shortId(value, 16, 8)} />;
