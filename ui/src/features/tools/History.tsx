/** Earlier calls of a tool: look, replay, compare two. */
import { Button, Checkbox } from '@mantine/core';
import { useState } from 'react';
import { useT } from '@/shared/i18n/t';
import { steady } from '@/shared/lib/diff';
import { duration, shortId, stamp } from '@/shared/lib/format';
import { visible } from '@/shared/lib/visible';
import { isMap, type Json, type JsonMap } from '@/shared/lib/words';
import { ContentBlocks, JsonBlock } from '@/shared/json/content';
import { DiffView } from '@/shared/json/diff-view';
import { JsonTree } from '@/shared/json/tree';
import { Icon } from '@/shared/ui/icon';
import { Ago, Ident, Section } from '@/shared/ui/parts';
import { Empty, Failed, Loading } from '@/shared/ui/states';
import { useHistory, type PastCallView } from './api';

export function History({ server, tool, onReplay }: { server: string; tool: string; onReplay: (args: JsonMap) => void }) {
  const { t } = useT();
  const history = useHistory(server, tool, true);
  const [open, setOpen] = useState<string | null>(null);
  const [picked, setPicked] = useState<string[]>([]);
  if (history.isPending) return <Loading />;
  if (!history.data) return <Failed fault={history.error} onRetry={() => void history.refetch()} />;
  if (history.data.length === 0)
    return (
      <Empty icon="history" title={t('history.none')}>
        {t('history.noneHint')}
      </Empty>
    );
  const pair = picked.flatMap((id) => history.data.find((row) => row.auditId === id) ?? []).sort((a, b) => a.at - b.at);
  const pick = (id: string) => setPicked((old) => (old.includes(id) ? old.filter((one) => one !== id) : [...old, id].slice(-2)));
  return (
    <div className="ph-stack ph-pad">
      <p className="ph-muted">{pair.length === 2 ? t('history.comparing') : t('history.pickTwo')}</p>
      {pair.length === 2 && (
        <Section title={t('history.compare')} aside={<Button onClick={() => setPicked([])}>{t('history.endCompare')}</Button>} testId="history-diff">
          {steady(pair[0]!.args) !== steady(pair[1]!.args) && (
            <DiffView before={steady(pair[0]!.args)} after={steady(pair[1]!.args)} label={t('history.args')} beforeName={t('history.argsAt', { at: stamp(pair[0]!.at) })} afterName={t('history.argsAt', { at: stamp(pair[1]!.at) })} />
          )}
          <DiffView before={comparable(pair[0]!.result)} after={comparable(pair[1]!.result)} label={t('history.result')} beforeName={stamp(pair[0]!.at)} afterName={stamp(pair[1]!.at)} />
        </Section>
      )}
      <ul className="ph-history">
        {history.data.map((row) => (
          <li key={row.auditId} data-testid="history-row">
            <div className="ph-row">
              <Checkbox checked={picked.includes(row.auditId)} onChange={() => pick(row.auditId)} aria-label={t('history.pick', { at: stamp(row.at) })} />
              <span className={row.ok ? 'ph-tone-ok ph-row' : 'ph-tone-bad ph-row'}>
                <Icon name={row.ok ? 'ok' : 'fail'} size={13} />
                <span className="ph-sr">{row.ok ? t('history.ok') : t('history.failed')}</span>
              </span>
              <button type="button" className="ph-plain ph-grow ph-row" aria-expanded={open === row.auditId} onClick={() => setOpen(open === row.auditId ? null : row.auditId)}>
                <Icon name={open === row.auditId ? 'chevronDown' : 'chevronRight'} size={12} />
                <Ago at={row.at} />
                <span className="ph-muted ph-num">{duration(row.elapsedMs)}</span>
                <code className="ph-cut ph-muted">{visible(brief(row.args))}</code>
              </button>
              <Button leftSection={<Icon name="refresh" size={13} />} onClick={() => onReplay(row.args)} data-testid="history-replay">
                {t('history.replay')}
              </Button>
            </div>
            {open === row.auditId && <Past row={row} />}
          </li>
        ))}
      </ul>
    </div>
  );
}

const brief = (args: JsonMap): string => {
  const text = Object.entries(args)
    .map(([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join(' ');
  return text.length > 200 ? `${text.slice(0, 200)}…` : text;
};

/** The result as lines: JSON inside a text is opened, so that a difference is a line and not a page. */
function comparable(result: Json): string {
  return steady(opened(result)).replace(/\\n/g, '\n');
}

function opened(value: Json): Json {
  if (Array.isArray(value)) return value.map(opened);
  if (!isMap(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]): [string, Json] => {
      if (key === 'text' && typeof item === 'string' && /^\s*[[{]/.test(item) && item.length < 1_000_000) {
        try {
          return [key, JSON.parse(item) as Json];
        } catch {
          return [key, item];
        }
      }
      return [key, opened(item)];
    }),
  );
}

function Past({ row }: { row: PastCallView }) {
  const { t } = useT();
  const content = isMap(row.result) && Array.isArray(row.result['content']) ? row.result['content'] : null;
  const structured = isMap(row.result) ? (row.result['structuredContent'] ?? null) : null;
  return (
    <div className="ph-stack ph-answer">
      <div className="ph-row">
        <span className="ph-muted">{t('common.reference')}</span>
        <Ident id={row.auditId} show={shortId(row.auditId)} />
        <span className="ph-muted ph-num">{stamp(row.at)}</span>
      </div>
      <Section title={t('history.args')}>{Object.keys(row.args).length === 0 ? <span className="ph-muted">{t('history.noArgs')}</span> : <JsonTree value={row.args} />}</Section>
      <Section title={t('history.result')}>{structured !== null ? <JsonBlock value={structured} /> : content ? <ContentBlocks blocks={content} /> : <JsonTree value={row.result} />}</Section>
    </div>
  );
}
