/** Everything by typing: pages, servers, tools, actions, and where one was last. */
import { useQueryClient } from '@tanstack/react-query';
import { useDeferredValue, useEffect, useId, useMemo, useRef, useState, type KeyboardEvent } from 'react';
import { knownKinds } from '@/features/explorer/api';
import { listable } from '@/features/explorer/kinds';
import { usePrefs } from '@/ipc/prefs';
import { NOTHING, useRead } from '@/ipc/query';
import { useT } from '@/shared/i18n/t';
import { helpOpen, paletteOpen, useFlag } from '@/shared/lib/flag';
import { best } from '@/shared/lib/fuzzy';
import { go, useRoute } from '@/shared/lib/route';
import { isMap, type Json } from '@/shared/lib/words';
import { visible } from '@/shared/lib/visible';
import { Icon, type IconName } from '@/shared/ui/icon';
import { Dialog } from '@/shared/ui/parts';

type Item = { key: string; group: string; icon: IconName; label: string; aside?: string; path?: string[]; query?: Record<string, string>; run?: () => void };

export function CommandPalette() {
  const open = useFlag(paletteOpen);
  const { t } = useT();
  return (
    <Dialog open={open} onClose={() => paletteOpen.set(false)} label={t('palette.open')} size={620} yOffset="9vh" className="ph-palette">
      {open && <Palette />}
    </Dialog>
  );
}

function Palette() {
  const { t, word } = useT();
  const { theme, lang, set, value } = usePrefs();
  const servers = useRead('server_list', NOTHING);
  const tools = useRead('tool_list', NOTHING);
  const clusters = useRead('cluster_list', NOTHING);
  const route = useRoute();
  const queries = useQueryClient();
  const [typed, setTyped] = useState('');
  const query = useDeferredValue(typed);
  const [at, setAt] = useState(0);
  const list = useRef<HTMLDivElement>(null);
  const base = useId();

  const recent = useMemo(() => recentOf(value('recent')), [value]);
  const fixed = useMemo((): Item[] => {
    const page = (name: 'servers' | 'tools' | 'clusters' | 'workbench' | 'activity' | 'settings', icon: IconName): Item => ({ key: `page:${name}`, group: t('palette.pages'), icon, label: t(`nav.${name}`), path: [name] });
    const act = (key: string, icon: IconName, label: string, rest: Partial<Item>): Item => ({ key: `act:${key}`, group: t('palette.actions'), icon, label, ...rest });
    return [
      page('servers', 'servers'),
      page('tools', 'tools'),
      page('clusters', 'wheel'),
      page('workbench', 'bench'),
      page('activity', 'activity'),
      page('settings', 'settings'),
      act('add', 'plus', t('servers.add'), { path: ['servers', 'add'] }),
      act('paste', 'braces', t('palette.paste'), { path: ['servers', 'add', 'paste'] }),
      act('import', 'download', t('palette.import'), { path: ['clusters', 'import'] }),
      act('write', 'edit', t('palette.write'), { path: ['workbench'] }),
      act('undo', 'history', t('palette.history'), { path: ['workbench'], query: { tab: 'history' } }),
      act('vault', 'lock', t('palette.vault'), { path: ['settings'], query: { at: 'vault' } }),
      act('verify', 'shield', t('activity.verify'), { path: ['activity'], query: { verify: 'now' } }),
      act('policy', 'lock', t('palette.policy'), { path: ['settings'], query: { at: 'policy' } }),
      act('theme', theme === 'dark' ? 'sun' : 'moon', theme === 'dark' ? t('palette.light') : t('palette.dark'), { run: () => set('theme', theme === 'dark' ? 'light' : 'dark') }),
      act('lang', 'lang', lang === 'zh' ? 'Switch to English' : '切换为简体中文', { run: () => set('lang', lang === 'zh' ? 'en' : 'zh') }),
      act('keys', 'keyboard', t('keys.title'), { run: () => setTimeout(() => helpOpen.set(true), 120) }),
    ];
  }, [t, theme, lang, set]);
  const named = useMemo(
    (): Item[] => [
      ...(servers.data ?? []).map((row): Item => ({ key: `server:${row.id}`, group: t('nav.servers'), icon: 'servers', label: visible(row.name), aside: word('state', row.state), path: ['servers', row.id] })),
      ...(tools.data ?? []).map((row): Item => ({ key: `tool:${row.server}/${row.name}`, group: t('nav.tools'), icon: 'tools', label: visible(row.name), aside: visible(row.serverName), path: ['tools', row.server, row.name] })),
      ...(clusters.data?.clusters ?? []).map((row): Item => ({ key: `explore:${row.id}`, group: t('nav.clusters'), icon: 'list', label: t('explorer.openOne', { name: visible(row.name) }), aside: visible(row.server), path: ['clusters', row.id, 'explore'] })),
      ...(clusters.data?.clusters ?? []).map((row): Item => ({ key: `cluster:${row.id}`, group: t('nav.clusters'), icon: 'wheel', label: visible(row.name), aside: visible(row.server), path: ['clusters', row.id] })),
    ],
    [servers.data, tools.data, clusters.data, t, word],
  );

  // The kinds of the cluster that is open; another one is not asked because somebody types.
  const exploring = route.path[0] === 'clusters' && route.path[2] === 'explore' ? route.path[1] : undefined;
  const kinds = useMemo((): Item[] => {
    const row = clusters.data?.clusters.find((one) => one.id === exploring);
    if (!row) return [];
    return listable(knownKinds(queries, row.id)?.kinds ?? []).map((kind): Item => ({ key: `kind:${kind.name}`, group: t('explorer.kinds'), icon: 'list', label: visible(kind.kind), aside: `${visible(kind.name)} ${kind.shortNames.map(visible).join(' ')}`, path: ['clusters', row.id, 'explore', kind.name] }));
  }, [clusters.data, exploring, queries, t]);

  const items = useMemo((): Item[] => {
    if (query.trim() === '') {
      const known = new Map(named.map((item) => [item.key, item]));
      const last = recent.flatMap((key) => {
        const item = known.get(key);
        return item ? [{ ...item, group: t('palette.recent') }] : [];
      });
      return [...last, ...fixed];
    }
    const hits = best([...fixed, ...kinds, ...named], query, (item) => item.label, 40, (item) => item.aside ?? '');
    // One group stands together, in the order of its best hit.
    const order = [...new Set(hits.map((item) => item.group))];
    return order.flatMap((group) => hits.filter((item) => item.group === group));
  }, [query, fixed, kinds, named, recent, t]);

  const chosen = Math.min(at, items.length - 1);
  useEffect(() => {
    list.current?.querySelector('[aria-selected="true"]')?.scrollIntoView({ block: 'nearest' });
  }, [chosen, items]);

  const run = (item: Item | undefined) => {
    if (!item) return;
    paletteOpen.set(false);
    if (/^(server|tool|cluster|explore):/.test(item.key)) set('recent', [item.key, ...recent.filter((key) => key !== item.key)].slice(0, 8));
    if (item.run) item.run();
    else if (item.path) go(item.path, item.query);
  };
  const key = (event: KeyboardEvent) => {
    if (event.nativeEvent.isComposing) return;
    if (event.key === 'ArrowDown') setAt(Math.min(items.length - 1, chosen + 1));
    else if (event.key === 'ArrowUp') setAt(Math.max(0, chosen - 1));
    else if (event.key === 'Enter') run(items[chosen]);
    else return;
    event.preventDefault();
  };

  return (
    <div>
      <div className="ph-paletteinput">
        <Icon name="search" />
        <input
          data-autofocus
          value={typed}
          onChange={(event) => {
            setTyped(event.currentTarget.value);
            setAt(0);
          }}
          onKeyDown={key}
          placeholder={t('palette.hint')}
          role="combobox"
          aria-label={t('palette.hint')}
          aria-expanded="true"
          aria-controls={`${base}-list`}
          aria-activedescendant={items.length > 0 ? `${base}-${chosen}` : undefined}
          spellCheck={false}
          autoComplete="off"
          data-testid="palette-input"
        />
      </div>
      <div className="ph-palettelist" ref={list} role="listbox" id={`${base}-list`} aria-label={t('palette.results')}>
        {items.map((item, index) => (
          <div key={item.key} role="presentation">
            {items[index - 1]?.group !== item.group && (
              <div className="group" role="presentation">
                {item.group}
              </div>
            )}
            {/* The keyboard is handled in the box above, which points here with aria-activedescendant. */}
            {/* eslint-disable-next-line jsx-a11y/click-events-have-key-events, jsx-a11y/interactive-supports-focus */}
            <div id={`${base}-${index}`} role="option" aria-selected={index === chosen} className="item" onClick={() => run(item)} onMouseMove={() => index !== chosen && setAt(index)} data-testid="palette-item">
              <Icon name={item.icon} size={14} />
              <span className="ph-grow ph-cut">{item.label}</span>
              {item.aside && <span className="ph-faint ph-cut">{item.aside}</span>}
            </div>
          </div>
        ))}
        {items.length === 0 && <div className="none">{t('palette.none', { query })}</div>}
      </div>
    </div>
  );
}

function recentOf(value: Json | undefined): string[] {
  return Array.isArray(value) && !isMap(value) ? value.filter((key): key is string => typeof key === 'string') : [];
}
