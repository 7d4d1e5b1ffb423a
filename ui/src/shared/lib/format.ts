/** Numbers with units, times and names, as they stand in rows. Pure. */
import type { Lang } from './words';

const trim = (value: number, digits: number) => value.toFixed(digits).replace(/\.0+$/, '');

/** `0.4 ms`, `12 ms`, `1.2 s`, `2 min 5 s`, `3 h 4 min`. */
export function duration(ms: number | null | undefined): string {
  if (ms === null || ms === undefined || !Number.isFinite(ms)) return '–';
  if (ms < 0) return '0 ms';
  if (ms < 10) return `${trim(ms, 1)} ms`;
  if (ms < 999.5) return `${Math.round(ms)} ms`;
  const secs = ms / 1000;
  if (secs < 59.95) return `${trim(secs, 1)} s`;
  const whole = Math.round(secs);
  if (whole < 3600) return whole % 60 === 0 ? `${whole / 60} min` : `${Math.floor(whole / 60)} min ${whole % 60} s`;
  const mins = Math.round(whole / 60);
  if (mins < 1440) return mins % 60 === 0 ? `${mins / 60} h` : `${Math.floor(mins / 60)} h ${mins % 60} min`;
  return `${Math.floor(mins / 1440)} d ${Math.floor((mins % 1440) / 60)} h`;
}

/** Binary sizes: `512 B`, `1.5 KiB`, `16 MiB`. */
export function bytes(size: number | null | undefined): string {
  if (size === null || size === undefined || !Number.isFinite(size)) return '–';
  if (size < 1024) return `${size} B`;
  const units = ['KiB', 'MiB', 'GiB', 'TiB'];
  let value = size / 1024;
  let unit = 0;
  while (value >= 1023.95 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${trim(value, value < 100 ? 1 : 0)} ${units[unit]}`;
}

const YEAR = 365.25 * 86_400;
const AGO: Record<Lang, { now: string; s: string; min: string; h: string; d: string; y: string; ago: (text: string) => string; ahead: (text: string) => string }> = {
  en: { now: 'just now', s: 's', min: 'min', h: 'h', d: 'd', y: 'y', ago: (text) => `${text} ago`, ahead: (text) => `in ${text}` },
  zh: { now: '刚刚', s: '秒', min: '分钟', h: '小时', d: '天', y: '年', ago: (text) => `${text}前`, ahead: (text) => `${text}后` },
};

/** `just now`, `12 s ago`, `in 40 s`, `3 h ago`; in Chinese `12 秒前`. */
export function relative(at: number, now: number, lang: Lang): string {
  const words = AGO[lang];
  const gap = Math.round(Math.abs(now - at) / 1000);
  if (gap < 2) return words.now;
  let text: string;
  if (gap < 60) text = `${gap} ${words.s}`;
  else if (gap < 3600) text = `${Math.floor(gap / 60)} ${words.min}`;
  else if (gap < 86_400) text = `${Math.floor(gap / 3600)} ${words.h}`;
  else if (gap < 2 * YEAR) text = `${Math.floor(gap / 86_400)} ${words.d}`;
  else text = `${Math.floor(gap / YEAR)} ${words.y}`;
  return at <= now ? words.ago(text) : words.ahead(text);
}

const pad = (value: number, width = 2) => String(value).padStart(width, '0');

/** `2026-11-22 08:43:50`, local time. */
export function stamp(at: number): string {
  const date = new Date(at);
  return `${date.getFullYear()}-${pad(date.getMonth() + 1)}-${pad(date.getDate())} ${clock(at)}`;
}

/** `08:43:50`. */
export function clock(at: number): string {
  const date = new Date(at);
  return `${pad(date.getHours())}:${pad(date.getMinutes())}:${pad(date.getSeconds())}`;
}

/** `08:43:50.127`. */
export const clockMs = (at: number): string => `${clock(at)}.${pad(new Date(at).getMilliseconds(), 3)}`;

/** `2026-11-22T08:43:50Z`, for what is copied. */
export const iso = (at: number): string => new Date(at).toISOString().replace(/\.\d+Z$/, 'Z');

/** An id shortened in the middle: `a1b2c3…9f8e`. */
export function shortId(id: string, head = 8, tail = 4): string {
  return id.length <= head + tail + 1 ? id : `${id.slice(0, head)}…${id.slice(-tail)}`;
}

/** `enabled_tools` → `Enabled tools`. */
export function humanName(name: string): string {
  const words = name.replace(/([a-z0-9])([A-Z])/g, '$1 $2').replace(/[_-]+/g, ' ').trim().toLowerCase();
  return words ? words[0]!.toUpperCase() + words.slice(1) : name;
}

/** UTF-8 size of a text. */
export const sizeOf = (text: string): number => new TextEncoder().encode(text).length;

/** How a list or map came to be ordered: by name, numbers inside names by their value. */
export const byName = new Intl.Collator(undefined, { numeric: true, sensitivity: 'base' }).compare;

/** A message of the core as a heading: it begins in lower case there, because a terminal puts `pilot:` in front. */
export const sentence = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
