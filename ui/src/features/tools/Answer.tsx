/** What a tool answered: drawn, raw, and what it said on the way. */
import { Button, Tabs } from '@mantine/core';
import { useState } from 'react';
import { useT } from '@/shared/i18n/t';
import { clockMs, duration } from '@/shared/lib/format';
import { visible } from '@/shared/lib/visible';
import type { Json } from '@/shared/lib/words';
import { ContentBlocks, JsonBlock, PlainText } from '@/shared/json/content';
import { Chip } from '@/shared/ui/chips';
import { Icon } from '@/shared/ui/icon';
import { Ident, Notice } from '@/shared/ui/parts';
import { FaultView } from '@/shared/ui/states';
import { shortId } from '@/shared/lib/format';
import type { CallDone } from './api';
import type { Run } from './runs';

export function Answer({ end, run, onRetry }: { end: NonNullable<Run['end']>; run: Run; onRetry: () => void }) {
  const { t } = useT();
  const [tab, setTab] = useState('pretty');
  if (end.fault)
    return (
      <div className="ph-stack ph-pad">
        <FaultView fault={end.fault} actions={<Button onClick={onRetry} leftSection={<Icon name="refresh" size={14} />}>{t('tools.runAgain')}</Button>} />
        {run.lines.length > 0 && <Lines run={run} />}
      </div>
    );
  const done = end.done!;
  return (
    <Tabs value={tab} onChange={(next) => setTab(next ?? 'pretty')} className="ph-tabs">
      <div className="ph-resulthead">
        <Tabs.List aria-label={t('tools.result')}>
          <Tabs.Tab value="pretty" data-testid="result-pretty">{t('tools.pretty')}</Tabs.Tab>
          <Tabs.Tab value="raw" data-testid="result-raw">{t('tools.raw')}</Tabs.Tab>
          {run.lines.length > 0 && (
            <Tabs.Tab value="stream" data-testid="result-stream" rightSection={<span className="ph-badge ph-num">{run.lines.length + run.dropped}</span>}>
              {t('tools.stream')}
            </Tabs.Tab>
          )}
        </Tabs.List>
        <span className="ph-grow" />
        {done.isError ? (
          <Chip tone="bad" icon="warn">
            {t('tools.saidFailed')}
          </Chip>
        ) : (
          <Chip tone="ok" icon="ok">
            {t('tools.done')}
          </Chip>
        )}
        <span className="ph-muted ph-num">{duration(done.elapsedMs)}</span>
        {done.cached && <span className="ph-muted">{t('tools.cached')}</span>}
        <Ident id={done.auditId} show={shortId(done.auditId, 6, 4)} />
      </div>
      <Tabs.Panel value="pretty" className="ph-scroll ph-pad">
        <Pretty done={done} />
      </Tabs.Panel>
      <Tabs.Panel value="raw" className="ph-scroll ph-pad">
        <PlainText text={JSON.stringify(asMcp(done), null, 2)} />
      </Tabs.Panel>
      <Tabs.Panel value="stream" className="ph-scroll ph-pad">
        <Lines run={run} />
      </Tabs.Panel>
    </Tabs>
  );
}

/** The result as MCP writes it. */
export const asMcp = (done: CallDone): Json => ({
  content: done.content,
  ...(done.structuredContent === null ? {} : { structuredContent: done.structuredContent }),
  isError: done.isError,
});

function Pretty({ done }: { done: CallDone }) {
  const { t } = useT();
  // Servers send the structured result once more as text, for clients that know only text; once is enough to read.
  const texts = done.content.filter((block) => !(done.structuredContent !== null && repeats(block, done.structuredContent)));
  const nothing = done.structuredContent === null && texts.length === 0;
  return (
    <div className="ph-stack">
      {done.isError && <Notice tone="bad">{t('tools.saidFailedHint')}</Notice>}
      {done.misfit && (
        <Notice tone="warn" title={t('tools.misfit')}>
          {visible(done.misfit)}
        </Notice>
      )}
      {done.structuredContent !== null && <JsonBlock value={done.structuredContent} />}
      {texts.length > 0 && <ContentBlocks blocks={texts} />}
      {nothing && <span className="ph-muted">{t('tools.emptyResult')}</span>}
    </div>
  );
}

function repeats(block: Json, structured: Json): boolean {
  if (typeof block !== 'object' || block === null || Array.isArray(block) || block['type'] !== 'text' || typeof block['text'] !== 'string') return false;
  const text = block['text'];
  if (text.length > 2_000_000 || !/^\s*[[{]/.test(text)) return false;
  try {
    return JSON.stringify(JSON.parse(text)) === JSON.stringify(structured);
  } catch {
    return false;
  }
}

/** While it runs: what came so far. */
export function Stream({ run }: { run: Run }) {
  const { t } = useT();
  if (run.lines.length === 0) return <div className="ph-pad ph-muted">{t('tools.waiting')}</div>;
  return (
    <div className="ph-scroll ph-pad">
      <Lines run={run} />
    </div>
  );
}

function Lines({ run }: { run: Run }) {
  const { t } = useT();
  return (
    <div className="ph-lineslog" role="log" aria-label={t('tools.stream')} data-testid="tool-stream">
      {run.dropped > 0 && <div className="ph-faint">{t('tools.dropped', { count: run.dropped })}</div>}
      {run.lines.map((line, index) => (
        <div key={run.dropped + index} className={line.event.type === 'log' ? `log ${line.event.level}` : 'chunk'}>
          <code className="ph-faint ph-num">{clockMs(line.at)}</code>
          {line.event.type === 'log' && <code className="level">{visible(line.event.level)}</code>}
          <span className="ph-break">{visible(textOf(line.event.data))}</span>
        </div>
      ))}
    </div>
  );
}

function textOf(data: Json): string {
  if (typeof data === 'string') return data;
  if (typeof data === 'object' && data !== null && !Array.isArray(data) && typeof data['text'] === 'string') return data['text'];
  return JSON.stringify(data);
}
