/** What every field of one form shares. */
import { createContext, useContext } from 'react';
import { i18next } from '../i18n/t';
import type { Json } from '../lib/words';
import type { Issue, Path, Schema } from './validate';

export type FieldWords = { label: string; help: string | null };

export type FormContext = {
  root: Schema;
  /** `code`: the exact name, in mono, as a tool's arguments are known; `words`: a label for people. */
  names: 'code' | 'words';
  wordsOf?: (path: Path, title: string | null, about: string | null) => FieldWords;
  issues: readonly Issue[];
  /** Values that are filled in elsewhere when left out. */
  filled: Record<string, Json>;
  base: string;
  disabled: boolean;
};

export const Form = createContext<FormContext | null>(null);

export function useForm(): FormContext {
  const form = useContext(Form);
  if (!form) throw new Error('fields stand in a SchemaForm');
  return form;
}

export const placeOf = (path: Path): string => path.map(String).join('/');

export const idOf = (base: string, path: Path): string => `${base}-${path.map((step) => String(step).replace(/[^\w-]/g, '_')).join('-')}`;

/** The problems of one place, as one text. */
export function issueAt(form: FormContext, path: Path): string | null {
  const place = placeOf(path);
  const found = form.issues.filter((issue) => issue.path.join('/') === place).map((issue) => issue.message);
  return found.length > 0 ? found.join(' ') : null;
}

/** Whether something under a place is wrong. */
export function wrongUnder(form: FormContext, path: Path): boolean {
  const place = placeOf(path);
  return form.issues.some((issue) => place === '' || issue.path.join('/') === place || issue.path.join('/').startsWith(`${place}/`));
}

export const tr = i18next.t as unknown as (key: string, values?: Record<string, unknown>) => string;
