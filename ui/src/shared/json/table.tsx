/** An array of objects as a table. */
import { useState } from 'react';
import { useT } from '../i18n/t';
import { visible } from '../lib/visible';
import { isMap, type Json, type JsonMap } from '../lib/words';

const COLUMNS = 14;
const ROWS = 200;

/** The rows when a value is (or holds nothing but) an array of objects. */
export function tableRows(value: Json): JsonMap[] | null {
  if (Array.isArray(value)) return value.length > 0 && value.every(isMap) ? (value as JsonMap[]) : null;
  if (isMap(value)) {
    const arrays = Object.values(value).filter((item) => Array.isArray(item) && item.length > 0 && item.every(isMap));
    const rest = Object.values(value).filter((item) => isMap(item) || Array.isArray(item)).length - arrays.length;
    if (arrays.length === 1 && rest === 0) return arrays[0] as JsonMap[];
  }
  return null;
}

/** Every key of the first rows, in the order they appear. */
export function tableColumns(rows: readonly JsonMap[]): string[] {
  const names = new Set<string>();
  for (const row of rows.slice(0, 200)) for (const name of Object.keys(row)) names.add(name);
  return [...names];
}

export function DataTable({ rows, label }: { rows: readonly JsonMap[]; label: string }) {
  const { t } = useT();
  const [shown, setShown] = useState(ROWS);
  const [all, setAll] = useState(false);
  const names = tableColumns(rows);
  const columns = all ? names : names.slice(0, COLUMNS);
  return (
    <div className="ph-stack tight">
      {/* eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex */}
      <div className="ph-tablebox" tabIndex={0} role="group" aria-label={label}>
        <table className="ph-table">
          <thead>
            <tr>
              {columns.map((name) => (
                <th key={name} scope="col" className={typeof rows[0]?.[name] === 'number' ? 'num' : undefined}>
                  {visible(name)}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.slice(0, shown).map((row, index) => (
              <tr key={index}>
                {columns.map((name) => (
                  <td key={name} className={typeof row[name] === 'number' ? 'num' : undefined}>
                    {cell(row[name])}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {(rows.length > shown || names.length > columns.length) && (
        <div className="ph-row">
          {rows.length > shown && (
            <button type="button" className="ph-plain ph-link" onClick={() => setShown(shown + 1000)}>
              {t('json.moreRows', { count: rows.length - shown })}
            </button>
          )}
          {names.length > columns.length && (
            <button type="button" className="ph-plain ph-link" onClick={() => setAll(true)}>
              {t('json.moreColumns', { count: names.length - columns.length })}
            </button>
          )}
        </div>
      )}
    </div>
  );
}

function cell(value: Json | undefined): string {
  if (value === undefined || value === null) return '–';
  if (typeof value === 'string') return visible(value.length > 300 ? `${value.slice(0, 300)}…` : value);
  if (typeof value === 'object') {
    const text = JSON.stringify(value);
    return visible(text.length > 120 ? `${text.slice(0, 120)}…` : text);
  }
  return String(value);
}
