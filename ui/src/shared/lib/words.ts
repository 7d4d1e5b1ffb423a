/** Words in both languages, as they arrive from the core. */
export type Words = { en: string; zh: string };

/** A fault as it arrives from the core; structural, so that `shared` need not know the wire. */
export type Fault = {
  kind: string;
  code: string;
  message: Words;
  hint: Words;
  reference: string | null;
};

export type Json = string | number | boolean | null | Json[] | { [key: string]: Json };
export type JsonMap = Record<string, Json>;

export const isMap = (value: unknown): value is JsonMap => typeof value === 'object' && value !== null && !Array.isArray(value);

export type Lang = 'en' | 'zh';

/** The words in a language; the other language when that one is missing. */
export const inLang = (words: Words, lang: Lang): string => (lang === 'zh' ? words.zh || words.en : words.en || words.zh);
