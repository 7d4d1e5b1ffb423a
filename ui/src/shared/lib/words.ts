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

const CJK = /[\u3000-\u303f\u3400-\u9fff\uff00-\uffef]/;

/**
 * Our own built-in tools say everything in English and then in Chinese, as one text, because MCP knows one: `List a folder · 列出文件夹`,
 * `Lists a folder. 列出文件夹。`. This is the half that the person reads; a text in one language stays whole.
 */
export function oneTongue(text: string, lang: Lang): string {
  const first = text.search(CJK);
  if (first < 0) return text;
  const before = text.slice(0, first);
  const cut = Math.max(...[' · ', '. ', '.\n'].map((end) => (before.lastIndexOf(end) < 0 ? 0 : before.lastIndexOf(end) + end.length)));
  if (cut === 0) return text;
  return lang === 'zh' ? text.slice(cut) : text.slice(0, cut).replace(/[\s·]+$/, '');
}

/** The same for the titles and descriptions of a schema. */
export function schemaInOneTongue(schema: Json, lang: Lang): Json {
  if (Array.isArray(schema)) return schema.map((part) => schemaInOneTongue(part, lang));
  if (!isMap(schema)) return schema;
  return Object.fromEntries(
    Object.entries(schema).map(([key, value]) => [key, (key === 'title' || key === 'description') && typeof value === 'string' ? oneTongue(value, lang) : schemaInOneTongue(value, lang)]),
  );
}
