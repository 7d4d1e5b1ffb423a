/** One tool: what it is, its form, its run, what it answered, what it answered before. */
import { Button, Menu, Progress, SegmentedControl, Tabs } from '@mantine/core';
import { useEffect, useMemo, useRef, useState } from 'react';
import { useSpeaking } from '@/ipc/query';
import { asFault } from '@/ipc/fault';
import { useT } from '@/shared/i18n/t';
import { steady } from '@/shared/lib/diff';
import { duration } from '@/shared/lib/format';
import { uuid } from '@/shared/lib/hooks';
import { go, href } from '@/shared/lib/route';
import { visible } from '@/shared/lib/visible';
import { isMap, type Json, type JsonMap } from '@/shared/lib/words';
import { DiffView } from '@/shared/json/diff-view';
import { JsonEditor } from '@/shared/json/editor';
import { JsonTree } from '@/shared/json/tree';
import { SchemaForm } from '@/shared/schema-form/SchemaForm';
import { beginning } from '@/shared/schema-form/shape';
import { issuesOf, type Issue } from '@/shared/schema-form/validate';
import { RiskChip } from '@/shared/ui/chips';
import { Icon } from '@/shared/ui/icon';
import { IconButton, MenuButton, Notice, Section } from '@/shared/ui/parts';
import { Failed, Loading } from '@/shared/ui/states';
import { tell, tellFault } from '@/shared/ui/toasts';
import { detailIn, useAcceptTool, useCancel, useCommand, useTool, type ToolDetail } from './api';
import { History } from './History';
import { Answer, Stream } from './Answer';
import { begin, cancelling, finish, hear, runKey, useRun, type Run } from './runs';

export function ToolPanel({ server, tool, state, own }: { server: string; tool: string; state: string | null; own: boolean }) {
  const { lang } = useT();
  const detail = useTool(server, tool);
  if (detail.isPending) return <Loading rows={10} />;
  if (!detail.data)
    return (
      <section className="ph-panel" aria-label={tool}>
        <header className="ph-panelhead">
          <h2 className="ph-cut ph-grow ph-mono">{visible(tool)}</h2>
          <Close />
        </header>
        <Failed fault={detail.error} onRetry={() => void detail.refetch()} />
      </section>
    );
  // What waits for a person to look it over is shown as it is.
  const shown = own && !detail.data.view.quarantined ? detailIn(detail.data, lang) : detail.data;
  return <Panel detail={shown} state={state} />;
}

function Close() {
  const { t } = useT();
  return <IconButton icon="close" label={t('common.closePanel')} onClick={() => go(['tools'])} />;
}

/** What was typed for each tool stays until the window is closed. */
const drafts = new Map<string, JsonMap>();

function Panel({ detail, state }: { detail: ToolDetail; state: string | null }) {
  const { t } = useT();
  const { view } = detail;
  const key = runKey(view.server, view.name);
  const run = useRun(key);
  const speak = useSpeaking();
  const cancel = useCancel();
  const command = useCommand();
  const [args, setArgsNow] = useState<JsonMap>(() => drafts.get(key) ?? first(detail));
  const [mode, setMode] = useState<'form' | 'json'>('form');
  const [text, setText] = useState('');
  const [tried, setTried] = useState(false);
  const [tab, setTab] = useState('run');
  const resultBox = useRef<HTMLDivElement>(null);

  const setArgs = (next: JsonMap) => {
    drafts.set(key, next);
    setArgsNow(next);
  };
  // The core fills these in before it checks; the form must not call them missing.
  const whole = useMemo(() => ({ ...detail.defaultParameters, ...args }), [detail.defaultParameters, args]);
  const issues: Issue[] = useMemo(() => issuesOf(detail.inputSchema, whole), [detail.inputSchema, whole]);
  const broken = mode === 'json' && parse(text) === null;
  const running = run !== undefined && run.end === null;

  const show = (next: string) => {
    if (next === 'json') setText(JSON.stringify(args, null, 2));
    setMode(next as typeof mode);
  };
  const start = (given: JsonMap) => {
    const callId = uuid();
    begin(key, callId);
    setTab('run');
    speak('tool_call', { server: view.server, tool: view.name, args: given, callId, timeout: null }, (event) => hear(key, callId, event)).then(
      (done) => finish(key, callId, done, null),
      (why: unknown) => finish(key, callId, null, asFault(why, 'tool_call')),
    );
  };
  const submit = () => {
    setTried(true);
    if (running || broken || issues.length > 0 || view.quarantined) return;
    start(args);
  };
  const replay = (given: JsonMap) => {
    setArgs(given);
    setText(JSON.stringify(given, null, 2));
    setTried(true);
    setTab('run');
    // What was redacted when it was written down has to be given again.
    if (JSON.stringify(given).includes('[secret]')) {
      tell(t('tools.replaySecrets'));
      return;
    }
    if (issuesOf(detail.inputSchema, { ...detail.defaultParameters, ...given }).length === 0 && !running && !view.quarantined) start(given);
  };
  const copyAs = (which: 'pilot' | 'curl') =>
    command.mutate(
      { server: view.server, tool: view.name, args },
      {
        onSuccess: (found) => {
          const line = found[which];
          if (line === null) {
            tell(t('tools.noCurl'));
            return;
          }
          void navigator.clipboard.writeText(line).then(
            () => tell(which === 'pilot' ? t('tools.copiedPilot') : t('tools.copiedCurl')),
            () => tell(line),
          );
        },
        onError: tellFault,
      },
    );

  const ended = run?.end?.at ?? 0;
  useEffect(() => {
    if (ended && Date.now() - ended < 1000) resultBox.current?.scrollIntoView({ block: 'nearest' });
  }, [ended]);

  return (
    <section className="ph-panel" aria-label={view.name} data-testid="tool-panel">
      <header className="ph-panelhead">
        <h2 className="ph-cut ph-mono" title={view.name}>
          {visible(view.name)}
        </h2>
        <span title={undefined}>
          <RiskChip value={view.risk} />
        </span>
        <span className="ph-grow" />
        <Menu>
          <Menu.Target>
            <MenuButton icon="copy" label={t('tools.copyAs')} testId="tool-copy" />
          </Menu.Target>
          <Menu.Dropdown>
            <Menu.Item leftSection={<Icon name="terminal" size={14} />} onClick={() => copyAs('pilot')} data-testid="copy-pilot">
              {t('tools.copyPilot')}
            </Menu.Item>
            <Menu.Item leftSection={<Icon name="globe" size={14} />} onClick={() => copyAs('curl')} data-testid="copy-curl">
              {t('tools.copyCurl')}
            </Menu.Item>
          </Menu.Dropdown>
        </Menu>
        <Close />
      </header>
      <Tabs value={tab} onChange={(next) => setTab(next ?? 'run')} className="ph-tabs">
        <Tabs.List aria-label={view.name}>
          <Tabs.Tab value="run" data-testid="tab-run">{t('tools.tab.run')}</Tabs.Tab>
          <Tabs.Tab value="about" data-testid="tab-about">{t('tools.tab.about')}</Tabs.Tab>
          <Tabs.Tab value="history" data-testid="tab-history">{t('tools.tab.history')}</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="run" className="ph-fill">
          <div className={run ? 'ph-editor answered' : 'ph-editor'}>
            <div className="ph-scroll ph-pad">
              <div className="ph-stack">
                <Head detail={detail} state={state} />
                {view.quarantined && <Quarantine detail={detail} />}
                <div className="ph-row ph-spread">
                  <h3>{t('tools.args')}</h3>
                  <SegmentedControl
                    value={mode}
                    onChange={show}
                    aria-label={t('tools.argsAs')}
                    data={[
                      { value: 'form', label: t('tools.form') },
                      { value: 'json', label: 'JSON' },
                    ]}
                  />
                </div>
                <div className="ph-formwidth">
                  {mode === 'form' ? (
                    <SchemaForm schema={detail.inputSchema} value={args} onChange={setArgs} issues={tried ? issues : []} filled={detail.defaultParameters} nothing={t('tools.noArgs')} testId="tool-form" />
                  ) : (
                    <JsonEditor
                      value={text}
                      label={t('tools.args')}
                      issues={issues}
                      minHeight={140}
                      testId="tool-json"
                      onRun={submit}
                      onChange={(next) => {
                        setText(next);
                        const parsed = parse(next);
                        if (parsed) setArgs(parsed);
                      }}
                    />
                  )}
                  {mode === 'form' && tried && <Elsewhere issues={issues} schema={detail.inputSchema} />}
                </div>
              </div>
            </div>
            <RunBar
              run={run}
              broken={broken}
              issues={tried || mode === 'json' ? issues : []}
              blocked={view.quarantined}
              detail={detail}
              onRun={submit}
              onReset={() => {
                const fresh = first(detail);
                setArgs(fresh);
                setText(JSON.stringify(fresh, null, 2));
                setTried(false);
              }}
              onCancel={(callId) => {
                cancelling(key, callId);
                cancel.mutate({ id: callId }, { onError: tellFault });
              }}
            />
            {run && (
              <div className="ph-result" ref={resultBox} data-testid="tool-result" data-state={run.end ? (run.end.fault ? 'fault' : run.end.done?.isError ? 'tool_error' : 'done') : 'running'}>
                {run.end ? <Answer end={run.end} run={run} onRetry={submit} /> : <Stream run={run} />}
              </div>
            )}
          </div>
        </Tabs.Panel>
        <Tabs.Panel value="about" className="ph-scroll">
          <About detail={detail} />
        </Tabs.Panel>
        <Tabs.Panel value="history" className="ph-scroll">
          <History server={view.server} tool={view.name} onReplay={replay} />
        </Tabs.Panel>
      </Tabs>
    </section>
  );
}

function first(detail: ToolDetail): JsonMap {
  const value = beginning(detail.inputSchema, detail.inputSchema);
  const map = isMap(value) ? { ...value } : {};
  for (const name of Object.keys(detail.defaultParameters)) delete map[name];
  return map;
}

function parse(text: string): JsonMap | null {
  try {
    const value = JSON.parse(text.trim() === '' ? '{}' : text) as Json;
    return isMap(value) ? value : null;
  } catch {
    return null;
  }
}

function Head({ detail, state }: { detail: ToolDetail; state: string | null }) {
  const { t, word } = useT();
  const { view } = detail;
  const [open, setOpen] = useState(false);
  const description = visible(detail.description);
  const long = description.length > 280 || description.split('\n').length > 4;
  return (
    <div className="ph-stack tight">
      <div className="ph-row wrap ph-muted">
        {view.title && <strong className="ph-strong">{visible(view.title)}</strong>}
        <a href={href(['servers', view.server])}>{visible(view.serverName)}</a>
        {state && state !== 'connected' && <span>· {word('state', state)}</span>}
        {view.stale && <span>· {t('tools.stale')}</span>}
      </div>
      {description ? (
        <div className={long && !open ? 'ph-break ph-clamp3' : 'ph-break'} data-testid="tool-description">
          {description}
        </div>
      ) : (
        <span className="ph-faint">{t('tools.noDescription')}</span>
      )}
      {long && (
        <button type="button" className="ph-plain ph-link" onClick={() => setOpen(!open)} aria-expanded={open}>
          {open ? t('common.less') : t('common.moreText')}
        </button>
      )}
    </div>
  );
}

function Quarantine({ detail }: { detail: ToolDetail }) {
  const { t } = useT();
  const accept = useAcceptTool();
  const { view } = detail;
  const now = { name: view.name, title: view.title, description: detail.description, inputSchema: detail.inputSchema, outputSchema: detail.outputSchema, annotations: detail.annotations };
  return (
    <div className="ph-stack tight" data-testid="quarantine">
      <Notice
        tone="ask"
        icon="lock"
        title={t('tools.changedTitle')}
        actions={
          <Button variant="filled" loading={accept.isPending} onClick={() => accept.mutate({ server: view.server, tool: view.name }, { onError: tellFault })} data-testid="tool-accept">
            {t('tools.accept')}
          </Button>
        }
      >
        {t('tools.changedHint')}
      </Notice>
      {detail.accepted !== null && <DiffView before={steady(detail.accepted)} after={steady(now as Json)} label={t('tools.changedTitle')} beforeName={t('tools.accepted')} afterName={t('tools.now')} />}
    </div>
  );
}

/** Problems that no drawn field could show. */
function Elsewhere({ issues, schema }: { issues: readonly Issue[]; schema: Json }) {
  const known = isMap(schema) && isMap(schema['properties']) ? new Set(Object.keys(schema['properties'])) : new Set<string>();
  const rest = issues.filter((issue) => issue.path.length === 0 || !known.has(issue.path[0]!));
  if (rest.length === 0) return null;
  return (
    <ul className="ph-wrongs">
      {rest.map((issue, index) => (
        <li key={index} className="ph-tone-bad">
          {issue.path.length > 0 && <code>{visible(issue.path.join('.'))}</code>} {issue.message}
        </li>
      ))}
    </ul>
  );
}

type BarProps = {
  run: Run | undefined;
  broken: boolean;
  issues: readonly Issue[];
  blocked: boolean;
  detail: ToolDetail;
  onRun: () => void;
  onReset: () => void;
  onCancel: (callId: string) => void;
};

function RunBar({ run, broken, issues, blocked, detail, onRun, onReset, onCancel }: BarProps) {
  const { t } = useT();
  const running = run !== undefined && run.end === null;
  return (
    <div className="ph-runbar" data-testid="run-bar">
      <div className="ph-row">
        {running ? (
          <Button color="red" variant="light" leftSection={<Icon name="stop" size={13} />} onClick={() => onCancel(run.callId)} disabled={run.cancelling} data-testid="tool-cancel">
            {run.cancelling ? t('tools.cancelling') : t('tools.cancel')}
          </Button>
        ) : (
          <Button variant="filled" leftSection={<Icon name="play" size={13} />} onClick={onRun} disabled={blocked} data-testid="tool-run">
            {t('tools.run')}
          </Button>
        )}
        {running ? (
          <Elapsed run={run} />
        ) : (
          <span className="ph-cut ph-grow">
            {blocked ? (
              <span className="ph-tone-ask ph-row">
                <Icon name="lock" size={13} />
                {t('tools.blocked')}
              </span>
            ) : broken ? (
              <span className="ph-tone-bad ph-row" role="alert">
                <Icon name="warn" size={13} />
                {t('form.notJson')}
              </span>
            ) : issues.length > 0 ? (
              <span className="ph-tone-bad ph-row" role="alert" data-testid="tool-issues">
                <Icon name="warn" size={13} />
                <span className="ph-cut">{t('tools.issues', { count: issues.length, first: issues[0]!.path.length > 0 ? `${issues[0]!.path.join('.')}: ${issues[0]!.message}` : issues[0]!.message })}</span>
              </span>
            ) : (
              <Verdict detail={detail} />
            )}
          </span>
        )}
        {!running && (
          <Button variant="subtle" color="gray" onClick={onReset}>
            {t('tools.reset')}
          </Button>
        )}
      </div>
      {running && run.progress && <ProgressLine run={run} />}
    </div>
  );
}

function Verdict({ detail }: { detail: ToolDetail }) {
  const { t } = useT();
  const icon = detail.verdict === 'allow' ? 'check' : detail.verdict === 'ask' ? 'person' : 'lock';
  const tone = detail.verdict === 'allow' ? 'ph-muted' : detail.verdict === 'ask' ? 'ph-tone-ask' : 'ph-tone-bad';
  const words = detail.verdict === 'allow' ? t('tools.willRun', { rule: detail.rule }) : detail.verdict === 'ask' ? t('tools.willAsk', { rule: detail.rule }) : t('tools.willDeny', { rule: detail.rule });
  return (
    <span className={`ph-row ${tone}`} data-testid="tool-verdict" title={words}>
      <Icon name={icon} size={13} />
      <span className="ph-cut">{words}</span>
    </span>
  );
}

function Elapsed({ run }: { run: Run }) {
  const [now, setNow] = useState(() => Date.now());
  const { t } = useT();
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 200);
    return () => clearInterval(timer);
  }, []);
  return (
    <span className="ph-row ph-tone-run ph-num ph-grow" role="status">
      <Icon name="busy" size={13} />
      <span className="ph-cut">{t('tools.runningFor', { time: duration(Math.max(0, Math.floor((now - run.startedAt) / 100) * 100)) })}</span>
    </span>
  );
}

function ProgressLine({ run }: { run: Run }) {
  const { t } = useT();
  const { done, total, message } = run.progress!;
  const share = total && total > 0 ? Math.min(100, (done / total) * 100) : null;
  const words = total ? t('tools.progressOf', { done: tidyNumber(done), total: tidyNumber(total) }) : t('tools.progress', { done: tidyNumber(done) });
  return (
    <div className="ph-progress" data-testid="tool-progress">
      {share !== null && <Progress value={share} size={4} aria-label={words} transitionDuration={120} />}
      <div className="ph-row">
        <span className="ph-num">{words}</span>
        {message && <span className="ph-muted ph-cut">{visible(message)}</span>}
      </div>
    </div>
  );
}

const tidyNumber = (value: number) => String(Math.round(value * 100) / 100);

function About({ detail }: { detail: ToolDetail }) {
  const { t, say } = useT();
  const claims = isMap(detail.annotations) ? Object.entries(detail.annotations).filter(([, value]) => value !== null) : [];
  return (
    <div className="ph-stack ph-pad">
      <Section title={t('tools.description')}>
        <div className="ph-break">{visible(detail.description) || <span className="ph-faint">{t('tools.noDescription')}</span>}</div>
      </Section>
      <Section title={t('tools.risk')}>
        <div className="ph-row top">
          <RiskChip value={detail.view.risk} />
          <span className="ph-break">{say(detail.riskReason)}</span>
        </div>
        <Verdict detail={detail} />
      </Section>
      {claims.length > 0 && (
        <Section title={t('tools.claims')} aside={<span className="ph-muted">{t('tools.claimsHint')}</span>}>
          <div className="ph-row wrap">
            {claims.map(([name, value]) => (
              <span key={name} className="ph-tag">
                <code>
                  {visible(name)}: {visible(String(value))}
                </code>
              </span>
            ))}
          </div>
        </Section>
      )}
      <Section title={t('tools.inputSchema')}>
        <JsonTree value={detail.inputSchema} open={3} />
      </Section>
      {detail.outputSchema !== null && (
        <Section title={t('tools.outputSchema')}>
          <JsonTree value={detail.outputSchema} open={3} />
        </Section>
      )}
    </div>
  );
}
