/** Settings: found by typing; each says what it is by default. */
import { Button, SegmentedControl, Switch } from '@mantine/core';
import { useEffect, useRef, useState, type ReactNode } from 'react';
import { usePrefs } from '@/ipc/prefs';
import { useT } from '@/shared/i18n/t';
import { fits } from '@/shared/lib/fuzzy';
import { useRoute } from '@/shared/lib/route';
import { CodeBlock, CopyButton, Facts, Ident, PageHead } from '@/shared/ui/parts';
import { SearchBox } from '@/shared/ui/search';
import { FaultView, FilteredEmpty } from '@/shared/ui/states';
import { useDiagnostics } from './api';
import { LIMITS } from './limits';
import { PolicyEditor } from './PolicyEditor';

type Part = { key: 'look' | 'vault' | 'policy' | 'limits' | 'data' | 'diagnostics' | 'about'; words: string; body: ReactNode };

export function SettingsPage({ vault }: { vault: ReactNode }) {
  const { t } = useT();
  const route = useRoute();
  const [query, setQuery] = useState('');
  const at = route.query.get('at');
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (at) box.current?.querySelector(`[data-part="${CSS.escape(at)}"]`)?.scrollIntoView({ block: 'start' });
  }, [at]);

  const parts: Part[] = [
    { key: 'look', words: `${t('settings.theme')} ${t('settings.lang')} ${t('settings.checklist')} theme language 主题 语言`, body: <Look /> },
    { key: 'vault', words: `${t('vault.kit')} ${t('vault.passphrase')} vault secret keyring passphrase lock wipe kit 保险库 机密 密钥环 口令`, body: vault },
    { key: 'policy', words: `${t('settings.policyWords')} policy rule risk allow ask deny 规则 风险`, body: <PolicyEditor /> },
    { key: 'limits', words: LIMITS.map((limit) => t(`limit.${limit.key}`)).join(' '), body: <Limits /> },
    { key: 'data', words: t('settings.dataFolder'), body: <Data /> },
    { key: 'diagnostics', words: `${t('settings.diagnosticsHint')} log`, body: <Diagnostics /> },
    { key: 'about', words: `${t('settings.version')} version licence`, body: <About /> },
  ];
  const shown = parts.filter((part) => query.trim() === '' || fits(query, `${t(`settings.part.${part.key}`)} ${part.words}`));

  return (
    <>
      <PageHead title={t('nav.settings')} />
      <div className="ph-settings">
        <div className="ph-bar">
          <SearchBox value={query} onChange={setQuery} label={t('settings.search')} testId="settings-search" />
        </div>
        <div className="ph-settingsbody">
          <nav aria-label={t('nav.settings')}>
            <ul>
              {shown.map((part) => (
                <li key={part.key}>
                  <button type="button" className="ph-plain" onClick={() => box.current?.querySelector(`[data-part="${part.key}"]`)?.scrollIntoView({ block: 'start' })}>
                    {t(`settings.part.${part.key}`)}
                  </button>
                </li>
              ))}
            </ul>
          </nav>
          <div className="ph-scroll" ref={box}>
            {shown.length === 0 && <FilteredEmpty what={t('settings.many')} onClear={() => setQuery('')} />}
            {shown.map((part) => (
              <section key={part.key} className="ph-setting" data-part={part.key} aria-label={t(`settings.part.${part.key}`)}>
                <h2>{t(`settings.part.${part.key}`)}</h2>
                {part.body}
              </section>
            ))}
          </div>
        </div>
      </div>
    </>
  );
}

function Line({ name, about, children }: { name: string; about?: string; children: ReactNode }) {
  return (
    <div className="ph-settingline">
      <div className="ph-grow">
        <div>{name}</div>
        {about && <div className="ph-muted">{about}</div>}
      </div>
      {children}
    </div>
  );
}

function Look() {
  const { t } = useT();
  const { theme, lang, set, value } = usePrefs();
  return (
    <div>
      <Line name={t('settings.theme')} about={t('settings.themeHint')}>
        <SegmentedControl
          value={theme}
          onChange={(next) => set('theme', next)}
          aria-label={t('settings.theme')}
          data={(['system', 'light', 'dark'] as const).map((one) => ({ value: one, label: t(`theme.${one}`) }))}
          data-testid="settings-theme"
        />
      </Line>
      <Line name={t('settings.lang')} about={t('settings.langHint')}>
        <SegmentedControl
          value={lang}
          onChange={(next) => set('lang', next)}
          aria-label={t('settings.lang')}
          data={[
            { value: 'en', label: 'English' },
            { value: 'zh', label: '简体中文' },
          ]}
          data-testid="settings-lang"
        />
      </Line>
      <Line name={t('settings.checklist')} about={t('settings.checklistHint')}>
        <Switch checked={value('checklist') !== 'dismissed'} onChange={(event) => set('checklist', event.currentTarget.checked ? 'shown' : 'dismissed')} aria-label={t('settings.checklist')} />
      </Line>
    </div>
  );
}

function Limits() {
  const { t } = useT();
  return (
    <>
      <p className="ph-muted">{t('settings.limitsHint')}</p>
      <Facts rows={LIMITS.map((limit) => [t(`limit.${limit.key}`), <span key={limit.key} className="ph-num">{limit.value}</span>] as const)} />
    </>
  );
}

function Data() {
  const { t } = useT();
  const { boot } = usePrefs();
  return (
    <Line name={t('settings.dataFolder')} about={t('settings.dataFolderHint')}>
      <Ident id={boot.dataDir} />
    </Line>
  );
}

function Diagnostics() {
  const { t } = useT();
  const gather = useDiagnostics();
  return (
    <div className="ph-stack">
      <Line name={t('settings.diagnosticsName')} about={t('settings.diagnosticsHint')}>
        <div className="ph-row">
          <Button loading={gather.isPending} onClick={() => gather.mutate({})} data-testid="diagnostics">
            {t('settings.gather')}
          </Button>
          {gather.data && <CopyButton text={gather.data.text} words label={t('settings.copyDiagnostics')} />}
        </div>
      </Line>
      {gather.error && <FaultView fault={gather.error} onRetry={() => gather.mutate({})} />}
      {gather.data && <CodeBlock text={gather.data.text} label={t('settings.diagnosticsName')} maxHeight={280} wrap />}
    </div>
  );
}

function About() {
  const { t } = useT();
  const { boot } = usePrefs();
  return (
    <Facts
      rows={[
        [t('settings.version'), <Ident key="v" id={boot.version} />],
        [t('settings.platform'), boot.platform],
        [t('settings.user'), boot.user],
        [t('settings.protocols'), boot.protocols.map((one) => one.id).join(t('common.comma'))],
        [t('settings.licence'), 'Apache-2.0'],
      ]}
    />
  );
}
