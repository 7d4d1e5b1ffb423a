/** What the person chose for this window: theme, language, what is folded away. Saved by the core; kept here too, so that the first paint is right. */
import { useMantineColorScheme, type MantineColorScheme } from '@mantine/core';
import { createContext, useCallback, useContext, useEffect, useMemo, useState, type ReactNode } from 'react';
import type { Boot } from './bindings';
import { useChange } from './query';
import { setLang, systemLang } from '@/shared/i18n/t';
import type { Json, Lang } from '@/shared/lib/words';

export type Theme = 'system' | 'light' | 'dark';

type Prefs = {
  boot: Boot;
  theme: Theme;
  lang: Lang;
  value: (key: string) => Json | undefined;
  set: (key: string, value: Json) => void;
};

const Context = createContext<Prefs | null>(null);

export function usePrefs(): Prefs {
  const prefs = useContext(Context);
  if (!prefs) throw new Error('PrefsProvider is missing');
  return prefs;
}

const asTheme = (value: unknown): Theme => (value === 'light' || value === 'dark' ? value : 'system');
const asLang = (value: unknown): Lang => (value === 'zh' || value === 'en' ? value : systemLang());
const asScheme = (theme: Theme): MantineColorScheme => (theme === 'system' ? 'auto' : theme);

/** Before the core has answered: what was chosen last time. */
export function early(): { theme: Theme; lang: Lang; scheme: MantineColorScheme } {
  const theme = asTheme(localStorage.getItem('pilothouse.theme'));
  return { theme, lang: asLang(localStorage.getItem('pilothouse.lang')), scheme: asScheme(theme) };
}

export function PrefsProvider({ boot, children }: { boot: Boot; children: ReactNode }) {
  const save = useChange('prefs_set');
  const [mine, setMine] = useState<Record<string, Json>>({});
  const { setColorScheme } = useMantineColorScheme();
  const all = useMemo(() => ({ ...boot.prefs, ...mine }), [boot.prefs, mine]);
  const theme = asTheme(all['theme']);
  const lang = asLang(all['lang']);

  useEffect(() => {
    localStorage.setItem('pilothouse.theme', theme);
    setColorScheme(asScheme(theme));
  }, [theme, setColorScheme]);
  useEffect(() => {
    localStorage.setItem('pilothouse.lang', lang);
    setLang(lang);
  }, [lang]);

  const { mutate } = save;
  const set = useCallback(
    (key: string, value: Json) => {
      setMine((old) => ({ ...old, [key]: value }));
      mutate({ key, value });
    },
    [mutate],
  );
  const value = useMemo(() => ({ boot, theme, lang, set, value: (key: string) => all[key] }), [boot, theme, lang, set, all]);
  return <Context.Provider value={value}>{children}</Context.Provider>;
}
