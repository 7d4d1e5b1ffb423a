/** The kinds of a cluster by what they are for; what could not be told of is said. */
import { useMemo, useState, type KeyboardEvent } from 'react';
import { useT } from '@/shared/i18n/t';
import { href } from '@/shared/lib/route';
import { visible } from '@/shared/lib/visible';
import { Icon } from '@/shared/ui/icon';
import { SearchBox } from '@/shared/ui/search';
import { useCounts, type KubeCountView, type KubeKindsView } from './api';
import { grouped, listable } from './kinds';

/** Groups that few people open. */
const FOLDED = new Set(['access', 'more']);

type Props = { cluster: string; kinds: KubeKindsView; chosen: string; namespace: string; onOpen: (kind: string) => void };

export function KindTree({ cluster, kinds, chosen, namespace, onOpen }: Props) {
  const { t, word, say } = useT();
  const [query, setQuery] = useState('');
  /** Groups that a person folded or unfolded. */
  const [folds, setFolds] = useState<Record<string, boolean>>({});
  const groups = useMemo(() => grouped(kinds.kinds, query), [kinds, query]);
  const filtering = query.trim() !== '';
  // Two kinds of one name in two groups are told apart by their groups.
  const twice = useMemo(() => {
    const seen = new Map<string, number>();
    for (const kind of listable(kinds.kinds)) seen.set(kind.kind, (seen.get(kind.kind) ?? 0) + 1);
    return seen;
  }, [kinds]);

  const move = (event: KeyboardEvent<HTMLElement>) => {
    const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0;
    if (step === 0) return;
    const all = [...event.currentTarget.querySelectorAll<HTMLElement>('summary, details[open] a')];
    const at = all.indexOf(document.activeElement as HTMLElement);
    if (at < 0) return;
    all[at + step]?.focus();
    event.preventDefault();
  };

  const isOpen = (group: (typeof groups)[number]) => filtering || (folds[group.key] ?? (group.kinds.some((kind) => kind.name === chosen) || (!group.custom && !FOLDED.has(group.key))));
  // Only what can be seen is counted; events come and go by the hundred, and their number says nothing.
  const seen = filtering ? [] : groups.filter(isOpen).flatMap((group) => group.kinds.map((kind) => kind.name).filter((name) => name !== 'events'));
  const counts = useCounts(cluster, seen, namespace === '*' ? null : namespace);

  const custom = groups.findIndex((group) => group.custom);
  return (
    <div className="ph-kinds" data-testid="kinds">
      <div className="ph-kindsearch">
        <SearchBox value={query} onChange={setQuery} label={t('explorer.searchKinds')} testId="kind-search" aside onDown={() => document.querySelector<HTMLElement>('.ph-kinds nav a')?.focus()} />
      </div>
      {/* Arrow keys walk through the links, which Tab reaches too. */}
      {/* eslint-disable-next-line jsx-a11y/no-noninteractive-element-interactions */}
      <nav className="ph-scroll" aria-label={t('explorer.kinds')} onKeyDown={move}>
        {groups.map((group, index) => (
          <div key={group.key}>
            {index === custom && <h2 className="ph-kindshead">{t('explorer.custom')}</h2>}
            <details
              open={isOpen(group)}
              onToggle={(event) => {
                const open = event.currentTarget.open;
                if (!filtering && open !== isOpen(group)) setFolds((before) => ({ ...before, [group.key]: open }));
              }}
            >
              <summary>
                <Icon name="chevronRight" size={12} />
                <span className="ph-cut">{group.custom ? visible(group.key) : word('kindGroup', group.key)}</span>
              </summary>
              <ul>
                {group.kinds.map((kind) => (
                  <li key={kind.name}>
                    <a
                      href={href(['clusters', cluster, 'explore', kind.name], { ns: namespace })}
                      aria-current={kind.name === chosen ? 'page' : undefined}
                      className={kind.name === chosen ? 'on' : undefined}
                      title={`${visible(kind.name)} · ${visible(kind.apiVersion)}`}
                      onClick={(event) => {
                        event.preventDefault();
                        onOpen(kind.name);
                      }}
                      data-testid="kind"
                      data-key={kind.name}
                    >
                      <span className="ph-cut">{visible(kind.kind)}</span>
                      {!group.custom && (twice.get(kind.kind) ?? 0) > 1 && kind.group !== '' && <span className="ph-faint ph-cut">{visible(kind.group)}</span>}
                      <Counted count={counts.get(kind.name)} />
                    </a>
                  </li>
                ))}
              </ul>
            </details>
          </div>
        ))}
        {groups.length === 0 && (
          <div className="ph-kindsnone ph-muted" role="status" data-testid="kinds-none">
            {t('common.nothingFits', { what: t('explorer.manyKinds') })}{' '}
            <button type="button" className="ph-plain ph-link" onClick={() => setQuery('')}>
              {t('common.clear')}
            </button>
          </div>
        )}
      </nav>
      {kinds.missing.length > 0 && (
        <details className="ph-kindsmissing" data-testid="kinds-missing">
          <summary>
            <Icon name="warn" size={13} className="ph-tone-warn" />
            <span>{t('explorer.missing', { count: kinds.missing.length })}</span>
          </summary>
          <ul>
            {kinds.missing.map((one) => (
              <li key={one.apiVersion}>
                <code className="ph-break">{visible(one.apiVersion)}</code>
                <div className="ph-muted">{visible(say(one.why))}</div>
              </li>
            ))}
          </ul>
        </details>
      )}
    </div>
  );
}

/** How many there are; nothing where they may not be listed. */
function Counted({ count }: { count: KubeCountView | undefined }) {
  if (count === undefined || count.count === null) return null;
  return (
    <span className="ph-faint ph-num ph-count" data-testid="kind-count">
      {count.count}
      {count.atLeast ? '+' : ''}
    </span>
  );
}
