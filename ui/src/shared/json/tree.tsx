/** JSON as a tree that opens step by step. Everything is a text node. */
import { useState } from 'react';
import { useT } from '../i18n/t';
import { visible } from '../lib/visible';
import { isMap, type Json } from '../lib/words';
import { Icon } from '../ui/icon';

const PAGE = 100;
const LONG = 400;

export function JsonTree({ value, open = 2 }: { value: Json; open?: number }) {
  return (
    <div className="ph-tree">
      <Node value={value} depth={0} open={open} />
    </div>
  );
}

function Node({ name, value, depth, open }: { name?: string; value: Json; depth: number; open: number }) {
  const { t } = useT();
  const branch = Array.isArray(value) || isMap(value);
  const entries: [string, Json][] = Array.isArray(value) ? value.map((item, i) => [String(i), item]) : isMap(value) ? Object.entries(value) : [];
  const [isOpen, setOpen] = useState(depth < open && entries.length <= 60);
  const [shown, setShown] = useState(PAGE);
  const key = name === undefined ? null : <span className="key">{visible(name)}: </span>;
  if (!branch)
    return (
      <div className="leaf">
        {key}
        <Leaf value={value} />
      </div>
    );
  const [left, right] = Array.isArray(value) ? '[]' : '{}';
  if (entries.length === 0)
    return (
      <div className="leaf">
        {key}
        <span className="brace">{left}{right}</span>
      </div>
    );
  return (
    <div className="branch">
      <button type="button" className="ph-plain head" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
        <Icon name={isOpen ? 'chevronDown' : 'chevronRight'} size={11} />
        {key}
        <span className="brace">{left}</span>
        {!isOpen && (
          <>
            <span className="count">{t('json.items', { count: entries.length })}</span>
            <span className="brace">{right}</span>
          </>
        )}
      </button>
      {isOpen && (
        <div className="kids">
          {entries.slice(0, shown).map(([child, item]) => (
            <Node key={child} name={child} value={item} depth={depth + 1} open={open} />
          ))}
          {entries.length > shown && (
            <button type="button" className="ph-plain ph-link" onClick={() => setShown(shown + PAGE * 5)}>
              {t('json.more', { count: entries.length - shown })}
            </button>
          )}
        </div>
      )}
    </div>
  );
}

function Leaf({ value }: { value: string | number | boolean | null }) {
  const { t } = useT();
  const [all, setAll] = useState(false);
  if (value === null) return <span className="null">null</span>;
  if (typeof value !== 'string') return <span className={typeof value}>{String(value)}</span>;
  const cut = value.length > LONG && !all;
  return (
    <span className="string ph-break">
      &quot;{visible(cut ? value.slice(0, LONG) : value)}
      {cut ? '…' : '"'}
      {cut && (
        <button type="button" className="ph-plain ph-link" onClick={() => setAll(true)}>
          {t('json.wholeText', { n: value.length })}
        </button>
      )}
    </span>
  );
}
