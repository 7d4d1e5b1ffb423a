/** The window's words. Two files, the same keys (a test says so). */
import i18next from 'i18next';
import { initReactI18next, useTranslation } from 'react-i18next';
import type { Lang, Words } from '../lib/words';
import { inLang } from '../lib/words';
import en from './en.json';
import zh from './zh.json';

declare module 'i18next' {
  interface CustomTypeOptions {
    defaultNS: 'translation';
    resources: { translation: typeof en };
  }
}

void i18next.use(initReactI18next).init({
  lng: 'en',
  fallbackLng: 'en',
  resources: { en: { translation: en }, zh: { translation: zh } },
  interpolation: { escapeValue: false },
  returnNull: false,
});

/** Which language a fresh profile starts in. */
export const systemLang = (): Lang => (navigator.language.toLowerCase().startsWith('zh') ? 'zh' : 'en');

export function setLang(lang: Lang): void {
  document.documentElement.lang = lang === 'zh' ? 'zh-CN' : 'en';
  if (i18next.language !== lang) void i18next.changeLanguage(lang);
}

export function useT() {
  const { t, i18n } = useTranslation();
  const lang = (i18n.language === 'zh' ? 'zh' : 'en') as Lang;
  return {
    t,
    lang,
    /** Words that came in both languages. */
    say: (words: Words) => inLang(words, lang),
    /** A word for a value of the core; the value itself when it is new to us. */
    word: (group: string, value: string): string => {
      const key = `${group}.${value}`;
      return i18n.exists(key) ? (t as (key: string) => string)(key) : value;
    },
  };
}

/** Words by a key that is only known at run time; nothing when there are none. */
export function maybe(key: string): string | null {
  return i18next.exists(key) ? (i18next.t as unknown as (key: string) => string)(key) : null;
}

export { i18next };
