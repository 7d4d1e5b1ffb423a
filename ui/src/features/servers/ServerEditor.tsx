/** A server's settings as a form: tested before they are saved. What would be started is shown exactly and asked first. */
import { Button, Select, Switch, TextInput } from '@mantine/core';
import { useMemo, useState } from 'react';
import { usePrefs } from '@/ipc/prefs';
import { useT } from '@/shared/i18n/t';
import { duration } from '@/shared/lib/format';
import { go } from '@/shared/lib/route';
import { visible } from '@/shared/lib/visible';
import { SchemaForm } from '@/shared/schema-form/SchemaForm';
import type { Issue } from '@/shared/schema-form/validate';
import { Icon } from '@/shared/ui/icon';
import { CodeBlock, Notice } from '@/shared/ui/parts';
import { FaultView } from '@/shared/ui/states';
import { useCheck, useConnect, usePickFolder, useSave, useTest, type ServerForm, type TestRes, type UiFault } from './api';
import { groupsFor, settingIssues, settingNames, settingWords, showsSetting, tidy } from './settings';

type Props = { initial: ServerForm; onSaved: (id: string) => void; note?: string };

export function ServerEditor({ initial, onSaved, note }: Props) {
  const { t, say } = useT();
  const { boot } = usePrefs();
  const [form, setForm] = useState(initial);
  const [tried, setTried] = useState(false);
  const [consent, setConsent] = useState<string | null>(null);
  const [result, setResult] = useState<TestRes | null>(null);
  const save = useSave();
  const check = useCheck();
  const test = useTest();
  const connect = useConnect();
  const pick = usePickFolder();

  const protocol = boot.protocols.find((one) => one.id === form.protocol) ?? boot.protocols.find((one) => form.protocol === 'stdio' && one.id === 'subprocess');
  const inside = protocol ? protocol.startsProgram || protocol.id === 'local' : false;
  const words = useMemo(() => settingWords.bind(null, protocol?.schema ?? {}), [protocol]);
  const groups = useMemo(() => (protocol ? groupsFor(protocol, (key) => t(`group.${key as 'auth'}`)) : []), [protocol, t]);
  const issues: Issue[] = useMemo(() => (tried && protocol ? settingIssues(protocol.schema, tidy(form).settings) : []), [tried, protocol, form]);
  const noName = form.name.trim() === '';
  const changed = JSON.stringify(tidy(form)) !== JSON.stringify(tidy(initial)) || form.id === null;

  const change = (part: Partial<ServerForm>) => {
    setForm((old) => ({ ...old, ...part }));
    setResult(null);
    setConsent(null);
    test.reset();
    save.reset();
    check.reset();
  };
  const ready = (): ServerForm | null => {
    setTried(true);
    if (!protocol) return null;
    const whole = tidy(form);
    if (settingIssues(protocol.schema, whole.settings).length > 0) return null;
    return whole;
  };
  const runTest = (whole: ServerForm, agreed: string | null) => {
    setConsent(null);
    setResult(null);
    test.mutate({ form: whole, consent: agreed }, { onSuccess: setResult });
  };
  const askTest = () => {
    const whole = ready();
    if (!whole) return;
    if (!protocol?.startsProgram) return runTest(whole, null);
    setResult(null);
    test.reset();
    check.mutate(whole, { onSuccess: (found) => setConsent(found.target) });
  };
  const runSave = () => {
    const whole = ready();
    if (!whole || noName) return;
    save.mutate(whole, {
      onSuccess: (row) => {
        // What a person just set up and did not make lazy is wanted now; a program still asks before it starts.
        if (row.enabled && !whole.lazy && row.state === 'disconnected') connect.mutate({ id: row.id });
        onSaved(row.id);
      },
    });
  };

  const fault: UiFault | null = save.error ?? check.error ?? test.error ?? null;
  const wrong = tried && (noName || issues.length > 0);
  return (
    <form
      className="ph-editor"
      data-testid="server-editor"
      onSubmit={(event) => {
        event.preventDefault();
        runSave();
      }}
      noValidate
    >
      <div className="ph-scroll ph-pad">
        <div className="ph-formwidth ph-stack">
          {note && <Notice tone="run">{note}</Notice>}
          <div className="ph-two">
            <TextInput label={t('editor.name')} value={form.name} onChange={(event) => change({ name: event.currentTarget.value })} error={tried && noName ? t('editor.nameMissing') : undefined} data-testid="server-name" spellCheck={false} autoComplete="off" withAsterisk />
            <Select
              label={t('editor.protocol')}
              value={protocol?.id ?? form.protocol}
              disabled={form.id !== null}
              data={boot.protocols.map((one) => ({ value: one.id, label: say(one.label) }))}
              allowDeselect={false}
              onChange={(next) => {
                const target = boot.protocols.find((one) => one.id === next);
                if (!target) return;
                // What both protocols know stays; the rest would only be refused.
                const known = new Set(settingNames(target.schema));
                change({ protocol: target.id, settings: Object.fromEntries(Object.entries(form.settings).filter(([name]) => known.has(name))) });
              }}
              data-testid="server-protocol"
            />
          </div>
          {protocol ? (
            <p className="ph-muted">
              {t('editor.about', { about: unstopped(say(protocol.about)), health: unstopped(say(protocol.health)) })}
            </p>
          ) : (
            <Notice tone="bad">{t('editor.unknownProtocol', { protocol: form.protocol })}</Notice>
          )}
          {protocol && (
            <SchemaForm
              schema={protocol.schema}
              value={form.settings}
              onChange={(settings) => change({ settings })}
              issues={issues}
              names="words"
              wordsOf={words}
              groups={groups}
              shows={(name) => showsSetting(name, form.settings, inside)}
              beneath={{
                root: (
                  <Button
                    className="ph-beneath"
                    leftSection={<Icon name="folder" size={14} />}
                    loading={pick.isPending}
                    onClick={() => pick.mutate({}, { onSuccess: (found) => found.path && change({ settings: { ...form.settings, root: found.path } }) })}
                  >
                    {t('editor.pickFolder')}
                  </Button>
                ),
              }}
              testId="server-form"
            />
          )}
          <details className="ph-group">
            <summary>
              <Icon name="chevronRight" size={12} />
              <span>{t('group.start')}</span>
              <span className="ph-faint ph-cut">{form.lazy ? t('editor.lazyOn') : t('editor.lazyOff')}</span>
            </summary>
            <div className="ph-groupbody">
              <Switch label={t('editor.lazy')} checked={form.lazy} onChange={(event) => change({ lazy: event.currentTarget.checked })} />
              <TextInput
                label={t('editor.idle')}
                description={t('editor.idleHint')}
                className="ph-narrow"
                inputMode="numeric"
                value={form.idleStopSecs === 0 ? '' : String(form.idleStopSecs)}
                placeholder={t('editor.never')}
                onChange={(event) => {
                  const text = event.currentTarget.value.replace(/\D/g, '').slice(0, 7);
                  change({ idleStopSecs: text === '' ? 0 : Number(text) });
                }}
              />
            </div>
          </details>
        </div>
      </div>
      {(consent !== null || fault || result) && (
        <div className="ph-outcome ph-stack">
        {consent !== null && (
          <Notice
            tone="ask"
            testId="test-consent"
            title={t('editor.consentTitle')}
            actions={
              <>
                <Button
                  variant="filled"
                  onClick={() => {
                    const whole = ready();
                    if (whole) runTest(whole, consent);
                  }}
                  data-testid="test-consent-yes"
                >
                  {t('editor.consentYes')}
                </Button>
                <Button onClick={() => setConsent(null)}>{t('common.cancel')}</Button>
              </>
            }
          >
            <div className="ph-stack tight">
              <span>{t('editor.consentHint')}</span>
              <CodeBlock text={consent} label={t('servers.target')} wrap />
            </div>
          </Notice>
        )}
        {fault && <FaultView fault={fault} />}
        {result && <TestResult result={result} />}
        </div>
      )}
      <footer className="ph-editorfoot">
        {wrong && (
          <span className="ph-tone-bad ph-row" role="alert">
            <Icon name="warn" size={13} />
            {noName && issues.length === 0 ? t('editor.nameMissing') : t('editor.fix', { count: issues.length + (noName ? 1 : 0) })}
          </span>
        )}
        <span className="ph-grow" />
        {form.id !== null && changed && (
          <Button variant="subtle" color="gray" onClick={() => change(initial)}>
            {t('editor.revert')}
          </Button>
        )}
        {form.id === null && (
          <Button variant="subtle" color="gray" onClick={() => go(['servers'])}>
            {t('common.cancel')}
          </Button>
        )}
        <Button onClick={askTest} loading={test.isPending || check.isPending} leftSection={<Icon name="plug" size={14} />} data-testid="test-server">
          {t('editor.test')}
        </Button>
        <Button type="submit" variant="filled" loading={save.isPending} disabled={!changed} data-testid="save-server">
          {t('editor.save')}
        </Button>
      </footer>
    </form>
  );
}

function TestResult({ result }: { result: TestRes }) {
  const { t } = useT();
  const [all, setAll] = useState(false);
  const shown = all ? result.tools : result.tools.slice(0, 24);
  return (
    <div className="ph-stack" data-testid="test-result">
      {result.ok ? (
        <Notice tone="ok" title={t('editor.testOk', { count: result.tools.length, time: duration(result.elapsedMs) })}>
          <div className="ph-stack tight">
            {result.facts && (
              <span>
                {visible(result.facts.name)} {visible(result.facts.version)} · <code>{visible(result.facts.revision)}</code>
              </span>
            )}
            <span className="ph-row wrap">
              {shown.map((name) => (
                <code key={name} className="ph-tag">
                  {visible(name)}
                </code>
              ))}
              {result.tools.length > shown.length && (
                <button type="button" className="ph-plain ph-link" onClick={() => setAll(true)}>
                  {t('json.more', { count: result.tools.length - shown.length })}
                </button>
              )}
            </span>
          </div>
        </Notice>
      ) : result.fault ? (
        <FaultView fault={result.fault} />
      ) : (
        <Notice tone="bad">{t('editor.testFailed', { target: result.target })}</Notice>
      )}
      {result.stderr && (
        <details className="ph-group" open={!result.ok}>
          <summary>
            <Icon name="chevronRight" size={12} />
            <span>{t('editor.stderr')}</span>
          </summary>
          <CodeBlock text={visible(result.stderr)} label={t('editor.stderr')} maxHeight={180} wrap />
        </details>
      )}
    </div>
  );
}

/** Without its full stop, so that it can stand inside a sentence of ours. */
const unstopped = (text: string) => text.replace(/[.。]$/, '');
