/** What only a person may answer. One at a time, the rest counted; setting it aside answers nothing. **Invariant:** what would happen is shown exactly and whole. */
import { Button, Textarea, TextInput } from '@mantine/core';
import { useEffect, useMemo, useRef, useState } from 'react';
import { useT } from '@/shared/i18n/t';
import { stamp } from '@/shared/lib/format';
import { questionsOpen, useFlag } from '@/shared/lib/flag';
import { isProd } from '@/shared/lib/prod';
import { steady } from '@/shared/lib/diff';
import { useNow } from '@/shared/lib/now';
import { visible } from '@/shared/lib/visible';
import { isMap, type Json, type JsonMap } from '@/shared/lib/words';
import { ContentBlocks } from '@/shared/json/content';
import { DiffView } from '@/shared/json/diff-view';
import { JsonTree } from '@/shared/json/tree';
import { SchemaForm } from '@/shared/schema-form/SchemaForm';
import { beginning } from '@/shared/schema-form/shape';
import { issuesOf } from '@/shared/schema-form/validate';
import { RiskChip } from '@/shared/ui/chips';
import { Icon } from '@/shared/ui/icon';
import { CodeBlock, Dialog, Facts, Notice } from '@/shared/ui/parts';
import { FaultView } from '@/shared/ui/states';
import { useAnswer, useQuestions, type AnswerReq, type QuestionView } from './api';
import { asksForSecrets, hostOf, odd } from './wary';

type Answer = AnswerReq['answer'];

export function QuestionDesk() {
  const { t } = useT();
  const questions = useQuestions();
  const open = useFlag(questionsOpen);
  const now = useNow();
  const pending = useMemo(
    () => [...(questions.data ?? [])].filter((one) => one.expiresAt > now).sort((a, b) => a.askedAt - b.askedAt),
    [questions.data, now],
  );
  const seen = useRef(new Set<string>());
  useEffect(() => {
    // Each new question shows itself once; after "Later" it waits in the status bar.
    const fresh = pending.filter((one) => !seen.current.has(one.id));
    fresh.forEach((one) => seen.current.add(one.id));
    if (fresh.length > 0) questionsOpen.set(true);
    else if (pending.length === 0) questionsOpen.set(false);
  }, [pending]);

  const first = pending[0];
  return (
    <Dialog open={open && first !== undefined} onClose={() => questionsOpen.set(false)} label={t('questions.title')} size={660} className="ph-question">
      {first && <Question key={first.id} question={first} waiting={pending.length - 1} />}
    </Dialog>
  );
}

function Question({ question, waiting }: { question: QuestionView; waiting: number }) {
  const { t } = useT();
  const send = useAnswer();
  const answer = (given: Answer) => send.mutate({ id: question.id, answer: given });
  const { matter } = question;
  const byServer = matter.kind === 'form' || matter.kind === 'visit' || matter.kind === 'sample';
  return (
    <div data-testid="question" data-kind={matter.kind}>
      <div className="ph-questionhead">
        <span className="mark">
          <Icon name={matter.kind === 'start' || matter.kind === 'credential' ? 'terminal' : matter.kind === 'sign_in' ? 'lock' : 'person'} size={18} />
        </span>
        <div className="ph-grow">
          <h2>{heading(question, t)}</h2>
          <div className="ph-muted ph-row wrap">
            {byServer ? (
              <span className="ph-tone-ask ph-row">
                <Icon name="warn" size={13} />
                {t('questions.askedBy', { server: visible(question.serverName) })}
              </span>
            ) : matter.kind === 'credential' ? (
              <ClusterLabel name={matter.clusterName} />
            ) : (
              <span>{t('questions.about', { server: visible(question.serverName) })}</span>
            )}
            {waiting > 0 && <span className="ph-badge">{t('questions.more', { count: waiting })}</span>}
          </div>
        </div>
        <Countdown question={question} />
      </div>
      <Matter question={question} onAnswer={answer} busy={send.isPending} />
      {send.error && (
        <div className="ph-pad">
          <FaultView fault={send.error} />
        </div>
      )}
    </div>
  );
}

function heading({ matter }: QuestionView, t: ReturnType<typeof useT>['t']): string {
  switch (matter.kind) {
    case 'call':
      return t('questions.call', { tool: visible(matter.tool) });
    case 'start':
      return matter.program ? t('questions.start') : t('questions.reach');
    case 'tool_changed':
      return t('questions.toolChanged', { tool: visible(isMap(matter.after) && typeof matter.after['name'] === 'string' ? matter.after['name'] : '') });
    case 'form':
      return t('questions.form');
    case 'visit':
      return t('questions.visit');
    case 'sample':
      return t('questions.sample');
    case 'sign_in':
      return t('questions.signIn', { host: visible(matter.host) });
    case 'credential':
      return t('questions.credential');
  }
}

/** The cluster's name; red, and said, where people depend on it. */
function ClusterLabel({ name }: { name: string }) {
  const { t } = useT();
  const prod = isProd(name);
  return (
    <span className={`ph-row${prod ? ' ph-tone-bad' : ''}`} data-testid="question-cluster">
      {prod && <span className="ph-prodmark" aria-hidden="true" />}
      <strong className="ph-break">{visible(name)}</strong>
      {prod && <span className="ph-sr">{t('clusters.prod')}</span>}
    </span>
  );
}

function Countdown({ question }: { question: QuestionView }) {
  const { t } = useT();
  const now = useNow();
  const left = Math.max(0, question.expiresAt - now);
  const secs = Math.ceil(left / 1000);
  return (
    <span className={`ph-num ${left < 30_000 ? 'ph-tone-bad' : 'ph-muted'}`} title={t('questions.expiresHint', { at: stamp(question.expiresAt) })} data-testid="question-countdown">
      <Icon name="clock" size={12} /> {t('questions.expires', { when: `${Math.floor(secs / 60)}:${String(secs % 60).padStart(2, '0')}` })}
    </span>
  );
}

type PartProps = { question: QuestionView; onAnswer: (answer: Answer) => void; busy: boolean };

function Matter({ question, onAnswer, busy }: PartProps) {
  const { t, say } = useT();
  const { matter } = question;
  switch (matter.kind) {
    case 'call':
      return (
        <Ask
          onAnswer={onAnswer}
          busy={busy}
          yes={t('questions.allowOnce')}
          wider={matter.risk === 'high' ? [] : ['session', 'always']}
          danger={matter.risk === 'high'}
        >
          <Facts
            rows={[
              [t('questions.tool'), <code key="t">{visible(matter.tool)}</code>],
              [t('questions.server'), visible(question.serverName)],
              [t('questions.risk'), <RiskChip key="r" value={matter.risk} />],
              [t('questions.rule'), <code key="rule">{visible(matter.rule)}</code>],
              matter.by !== '' && [t('questions.by'), visible(matter.by)],
            ]}
          />
          {matter.preview !== null && (
            <div className="ph-stack tight" data-testid="question-preview">
              <h3>{t('questions.preview')}</h3>
              <CodeBlock text={visible(matter.preview)} label={t('questions.preview')} maxHeight={320} wrap />
            </div>
          )}
          <div className="ph-stack tight">
            <h3>{t('questions.args')}</h3>
            {isMap(matter.args) && Object.keys(matter.args).length === 0 ? <span className="ph-muted">{t('questions.noArgs')}</span> : <CodeBlock text={visible(JSON.stringify(matter.args, null, 2))} label={t('questions.args')} maxHeight={260} wrap />}
          </div>
          {matter.risk === 'high' && <Notice tone="bad" icon="warn">{t('questions.highHint')}</Notice>}
        </Ask>
      );
    case 'start':
      return (
        <Ask onAnswer={onAnswer} busy={busy} yes={t('questions.allowStart')} wider={['always']} wideWords={{ always: t('questions.trustStart') }}>
          <p>{matter.program ? t('questions.startHint') : t('questions.reachHint')}</p>
          <CodeBlock text={visible(matter.what)} label={t('questions.start')} wrap />
          {matter.program && (
            <Facts
              rows={[
                [t('questions.folder'), matter.program.cwd === null ? t('questions.folderOwn') : <code key="cwd">{visible(matter.program.cwd)}</code>],
                [t('questions.variables'), matter.program.variables.length === 0 ? t('questions.variablesNone') : <code key="env">{visible(matter.program.variables.join(', '))}</code>],
              ]}
            />
          )}
          {matter.warnings.map((warning, index) => (
            <Notice key={index} tone="warn">
              {say(warning)}
            </Notice>
          ))}
        </Ask>
      );
    case 'tool_changed':
      return (
        <Ask onAnswer={onAnswer} busy={busy} yes={t('tools.accept')} wider={[]} no={t('questions.keepHeld')}>
          <p>{t('tools.changedHint')}</p>
          <DiffView before={steady(matter.before)} after={steady(matter.after)} label={t('tools.changedTitle')} beforeName={t('tools.accepted')} afterName={t('tools.now')} />
        </Ask>
      );
    case 'form':
      return <FormQuestion matter={matter} onAnswer={onAnswer} busy={busy} />;
    case 'visit':
      return <PageQuestion words={matter.message} url={matter.url} onAnswer={onAnswer} busy={busy} />;
    case 'sign_in':
      return <PageQuestion words={null} url={matter.url} onAnswer={onAnswer} busy={busy} />;
    case 'credential':
      return (
        <Ask onAnswer={onAnswer} busy={busy} yes={t('questions.allowOnce')} wider={['quarter', 'always']} wideHints={{ always: t('questions.programSame') }} plainNo danger={isProd(matter.clusterName)}>
          <p>{t('questions.credentialHint')}</p>
          <CodeBlock text={visible(matter.program)} label={t('questions.program')} wrap />
          <Facts
            rows={[
              [t('questions.cluster'), <ClusterLabel key="c" name={matter.clusterName} />],
              [t('questions.apiServer'), <code key="s" className="ph-break">{visible(matter.apiServer)}</code>],
              ['SHA-256', <code key="h" className="ph-break ph-muted">{matter.sha256}</code>],
            ]}
          />
          <p className="ph-muted">{t('questions.denyKept')}</p>
        </Ask>
      );
    case 'sample':
      return <SampleQuestion request={matter.request} onAnswer={onAnswer} busy={busy} />;
  }
}

type Wider = 'quarter' | 'session' | 'always';

type AskProps = {
  children: React.ReactNode;
  onAnswer: (answer: Answer) => void;
  busy: boolean;
  yes: string;
  no?: string;
  wider: Wider[];
  wideWords?: Partial<Record<Wider, string>>;
  wideHints?: Partial<Record<Wider, string>>;
  /** A no is a no: nobody reads why. */
  plainNo?: boolean;
  danger?: boolean;
  onYes?: () => void;
  disabled?: boolean;
};

/** The question's matter, then the answers; a no may say why. */
function Ask({ children, onAnswer, busy, yes, no, wider, wideWords, wideHints, plainNo, danger, onYes, disabled }: AskProps) {
  const { t } = useT();
  const [refusing, setRefusing] = useState(false);
  const [reason, setReason] = useState('');
  return (
    <>
      <div className="ph-questionbody ph-stack">{children}</div>
      {refusing ? (
        <form
          className="ph-questionfoot"
          onSubmit={(event) => {
            event.preventDefault();
            onAnswer({ answer: 'no', reason: reason.trim() });
          }}
        >
          <TextInput className="ph-grow" value={reason} onChange={(event) => setReason(event.currentTarget.value)} placeholder={t('questions.reason')} aria-label={t('questions.reason')} data-testid="question-reason" autoComplete="off" ref={focusOnce} />
          <Button onClick={() => setRefusing(false)}>{t('questions.back')}</Button>
          <Button type="submit" variant="filled" color="red" loading={busy} data-testid="question-deny-confirm">
            {no ?? t('questions.deny')}
          </Button>
        </form>
      ) : (
        <div className="ph-questionfoot">
          <Button variant="subtle" color="gray" onClick={() => questionsOpen.set(false)} data-testid="question-later">
            {t('questions.later')}
          </Button>
          <span className="ph-grow" />
          {wider.map((scope) => (
            <Button key={scope} disabled={busy || disabled} onClick={() => onAnswer({ answer: 'yes', scope })} data-testid={`question-allow-${scope}`} title={wideHints?.[scope] ?? t(`questions.scopeHint.${scope}`)}>
              {wideWords?.[scope] ?? t(`questions.scope.${scope}`)}
            </Button>
          ))}
          <Button onClick={() => (plainNo ? onAnswer({ answer: 'no', reason: '' }) : setRefusing(true))} disabled={busy} leftSection={<Icon name="close" size={13} />} data-testid="question-deny" ref={danger ? focusOnce : undefined}>
            {no ?? t('questions.deny')}
          </Button>
          <Button variant="filled" color={danger ? 'red' : undefined} loading={busy} disabled={disabled} onClick={onYes ?? (() => onAnswer({ answer: 'yes', scope: 'once' }))} data-testid="question-allow">
            {yes}
          </Button>
        </div>
      )}
    </>
  );
}

const focusOnce = (element: HTMLElement | null) => element?.focus();

function FormQuestion({ matter, onAnswer, busy }: { matter: Extract<QuestionView['matter'], { kind: 'form' }>; onAnswer: (answer: Answer) => void; busy: boolean }) {
  const { t } = useT();
  const [value, setValue] = useState<JsonMap>(() => {
    const start = beginning(matter.schema, matter.schema);
    return isMap(start) ? start : {};
  });
  const [tried, setTried] = useState(false);
  const issues = useMemo(() => issuesOf(matter.schema, value), [matter.schema, value]);
  const secrets = useMemo(() => asksForSecrets(matter.schema), [matter.schema]);
  const send = () => {
    setTried(true);
    if (issues.length === 0) onAnswer({ answer: 'data', data: value });
  };
  return (
    <Ask onAnswer={onAnswer} busy={busy} yes={t('questions.send')} wider={[]} no={t('questions.decline')} onYes={send} disabled={secrets.length > 0}>
      <Quote text={matter.message} />
      {secrets.length > 0 ? (
        <Notice tone="bad" title={t('questions.secretsTitle')} testId="question-secrets">
          {t('questions.secretsHint', { fields: secrets.map(visible).join(t('common.comma')) })}
        </Notice>
      ) : (
        <SchemaForm schema={matter.schema} value={value} onChange={setValue} issues={tried ? issues : []} names="words" testId="question-form" />
      )}
    </Ask>
  );
}

/** The server's own words, marked as such. */
function Quote({ text }: { text: string }) {
  return <blockquote className="ph-quote ph-break">{visible(text)}</blockquote>;
}

function PageQuestion({ words, url, onAnswer, busy }: { words: string | null; url: string; onAnswer: (answer: Answer) => void; busy: boolean }) {
  const { t } = useT();
  const host = hostOf(url);
  const strange = odd(url);
  // The core opens the page once it has the answer: for a sign-in it has to be listening first.
  return (
    <Ask onAnswer={onAnswer} busy={busy} yes={t('questions.openPage')} wider={[]} no={t('questions.decline')} disabled={host === null}>
      {words !== null && <Quote text={words} />}
      {words === null && <p>{t('questions.signInHint')}</p>}
      <Facts
        rows={[
          [t('questions.host'), host ? <strong key="h" className="ph-mono">{visible(host)}</strong> : <span key="h" className="ph-tone-bad">{t('questions.badUrl')}</span>],
          [t('questions.url'), <CodeBlock key="u" text={visible(url)} label={t('questions.url')} wrap maxHeight={160} />],
        ]}
      />
      {strange && <Notice tone="warn">{t(`questions.odd.${strange}`)}</Notice>}
    </Ask>
  );
}

function SampleQuestion({ request, onAnswer, busy }: { request: Json; onAnswer: (answer: Answer) => void; busy: boolean }) {
  const { t } = useT();
  const [text, setText] = useState('');
  const map = isMap(request) ? request : {};
  const messages = Array.isArray(map['messages']) ? map['messages'].filter(isMap) : [];
  const system = typeof map['systemPrompt'] === 'string' ? map['systemPrompt'] : null;
  const send = () =>
    onAnswer({
      answer: 'data',
      data: { role: 'assistant', content: { type: 'text', text }, model: 'person', stopReason: 'endTurn' },
    });
  return (
    <Ask onAnswer={onAnswer} busy={busy} yes={t('questions.sendReply')} wider={[]} no={t('questions.decline')} onYes={send} disabled={text.trim() === ''}>
      <p className="ph-muted">{t('questions.sampleHint')}</p>
      {system && (
        <div className="ph-stack tight">
          <h3>{t('questions.system')}</h3>
          <Quote text={system} />
        </div>
      )}
      <div className="ph-questionmessages">
        {messages.map((message, index) => (
          <div key={index} className="ph-stack tight">
            <strong className="ph-muted">{visible(typeof message['role'] === 'string' ? message['role'] : '')}</strong>
            <ContentBlocks blocks={Array.isArray(message['content']) ? message['content'] : [message['content'] ?? null]} />
          </div>
        ))}
        {messages.length === 0 && <JsonTree value={request} />}
      </div>
      <Textarea label={t('questions.reply')} value={text} onChange={(event) => setText(event.currentTarget.value)} autosize minRows={3} maxRows={10} data-testid="question-reply" />
    </Ask>
  );
}
