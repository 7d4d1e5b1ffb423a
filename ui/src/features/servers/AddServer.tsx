/** Three ways to a new server: from a template, by form, by pasting what another program uses. */
import { Tabs } from '@mantine/core';
import { useMemo, useState } from 'react';
import { usePrefs } from '@/ipc/prefs';
import { useT } from '@/shared/i18n/t';
import { fits } from '@/shared/lib/fuzzy';
import { go } from '@/shared/lib/route';
import { visible } from '@/shared/lib/visible';
import { Icon, type IconName } from '@/shared/ui/icon';
import { Confirm, IconButton } from '@/shared/ui/parts';
import { SearchBox } from '@/shared/ui/search';
import { Failed, FilteredEmpty, Loading } from '@/shared/ui/states';
import { tell, tellFault } from '@/shared/ui/toasts';
import { emptyForm, useRemoveTemplate, useTemplates, type TemplateView } from './api';
import { PasteServers } from './PasteServers';
import { ServerEditor } from './ServerEditor';

export function AddServer({ mode, from }: { mode: string; from: string | null }) {
  const { t } = useT();
  const tab = ['template', 'form', 'paste'].includes(mode) ? mode : 'template';
  return (
    <section className="ph-panel" aria-label={t('servers.add')} data-testid="add-panel">
      <header className="ph-panelhead">
        <h2 className="ph-grow">{t('servers.add')}</h2>
        <IconButton icon="close" label={t('common.closePanel')} onClick={() => go(['servers'])} />
      </header>
      <Tabs value={tab} onChange={(next) => go(['servers', 'add', next ?? 'template'])} className="ph-tabs">
        <Tabs.List aria-label={t('servers.add')}>
          <Tabs.Tab value="template" data-testid="add-template" leftSection={<Icon name="template" size={14} />}>
            {t('add.template')}
          </Tabs.Tab>
          <Tabs.Tab value="form" data-testid="add-form" leftSection={<Icon name="edit" size={14} />}>
            {t('add.form')}
          </Tabs.Tab>
          <Tabs.Tab value="paste" data-testid="add-paste" leftSection={<Icon name="braces" size={14} />}>
            {t('add.paste')}
          </Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="template" className="ph-scroll">
          <Gallery />
        </Tabs.Panel>
        <Tabs.Panel value="form" className="ph-fill">
          <NewServer from={from} />
        </Tabs.Panel>
        <Tabs.Panel value="paste" className="ph-fill">
          <PasteServers />
        </Tabs.Panel>
      </Tabs>
    </section>
  );
}

function NewServer({ from }: { from: string | null }) {
  const { t, say } = useT();
  const { boot } = usePrefs();
  const templates = useTemplates();
  const template = from ? templates.data?.find((one) => one.id === from) : undefined;
  if (from && templates.isPending) return <Loading />;
  const first = boot.protocols.find((one) => one.id === 'stream_http') ?? boot.protocols[0];
  const initial = template ? { ...template.form, id: null } : emptyForm(first?.id ?? '');
  return (
    <ServerEditor
      key={from ?? 'new'}
      initial={initial}
      note={template?.note ? say(template.note) : undefined}
      onSaved={(id) => {
        tell(t('servers.added'));
        go(['servers', id]);
      }}
    />
  );
}

const CATEGORIES = ['kubernetes', 'ssh', 'streaming', 'local', 'filesystem', 'mine'];
const ICONS: Record<string, IconName> = { kubernetes: 'wheel', ssh: 'terminal', streaming: 'activity', local: 'terminal', filesystem: 'folder', mine: 'star' };

function Gallery() {
  const { t, say, word } = useT();
  const templates = useTemplates();
  const remove = useRemoveTemplate();
  const [query, setQuery] = useState('');
  const [removing, setRemoving] = useState<TemplateView | null>(null);
  const rows = useMemo(() => (templates.data ?? []).filter((one) => query.trim() === '' || fits(query, `${one.name.en} ${one.name.zh} ${one.about.en} ${one.about.zh} ${one.tags.join(' ')} ${one.protocol}`)), [templates.data, query]);
  if (templates.isPending) return <Loading />;
  if (!templates.data) return <Failed fault={templates.error} onRetry={() => void templates.refetch()} />;
  const groups = [...new Set([...CATEGORIES, ...rows.map((one) => one.category)])].map((category) => ({ category, items: rows.filter((one) => one.category === category) })).filter((group) => group.items.length > 0);
  return (
    <div className="ph-stack ph-pad">
      <SearchBox value={query} onChange={setQuery} label={t('add.searchTemplates')} testId="template-search" />
      {groups.length === 0 && <FilteredEmpty what={t('add.templates')} onClear={() => setQuery('')} />}
      {groups.map(({ category, items }) => (
        <section key={category} aria-label={word('category', category)}>
          <h3 className="ph-cathead">{word('category', category)}</h3>
          <ul className="ph-cards">
            {items.map((one) => (
              <li key={one.id}>
                <button type="button" className="ph-plain ph-cardbutton" onClick={() => go(['servers', 'add', 'form'], { from: one.id })} data-testid="template-card" data-key={one.id}>
                  <span className="ph-row">
                    <Icon name={ICONS[category] ?? 'template'} />
                    <strong className="ph-cut ph-grow" title={visible(say(one.name))}>{visible(say(one.name))}</strong>
                  </span>
                  <span className="ph-muted ph-clamp ph-grow">{visible(say(one.about))}</span>
                  <span>
                    <code className="ph-tag">{one.protocol}</code>
                  </span>
                </button>
                {!one.builtIn && <IconButton icon="trash" size={22} label={t('add.removeTemplate', { name: say(one.name) })} onClick={() => setRemoving(one)} />}
              </li>
            ))}
          </ul>
        </section>
      ))}
      <Confirm
        open={removing !== null}
        title={t('add.removeTemplate', { name: removing ? say(removing.name) : '' })}
        action={t('add.removeTemplateYes')}
        busy={remove.isPending}
        onNo={() => setRemoving(null)}
        onYes={() => removing && remove.mutate({ id: removing.id }, { onSuccess: () => setRemoving(null), onError: tellFault })}
      >
        {t('add.removeTemplateHint')}
      </Confirm>
    </div>
  );
}
