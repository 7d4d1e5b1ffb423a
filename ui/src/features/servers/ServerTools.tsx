/** The tools of one server; each leads to where it can be run. */
import { useMemo, useState } from 'react';
import { useT } from '@/shared/i18n/t';
import { fits } from '@/shared/lib/fuzzy';
import { href } from '@/shared/lib/route';
import { visible } from '@/shared/lib/visible';
import { RiskChip } from '@/shared/ui/chips';
import { Icon } from '@/shared/ui/icon';
import { Section } from '@/shared/ui/parts';
import { SearchBox } from '@/shared/ui/search';
import { Empty, Failed, FilteredEmpty, Loading } from '@/shared/ui/states';
import { useServerTools, type RejectedView, type ServerView } from './api';

export function ServerTools({ server, rejected }: { server: ServerView; rejected: readonly RejectedView[] }) {
  const { t } = useT();
  const tools = useServerTools();
  const [query, setQuery] = useState('');
  const mine = useMemo(() => (tools.data ?? []).filter((row) => row.server === server.id), [tools.data, server.id]);
  const rows = useMemo(() => (query.trim() === '' ? mine : mine.filter((row) => fits(query, `${row.name} ${row.title ?? ''} ${row.summary}`))), [mine, query]);
  if (tools.isPending) return <Loading />;
  if (!tools.data) return <Failed fault={tools.error} onRetry={() => void tools.refetch()} />;
  if (mine.length === 0)
    return (
      <Empty icon="tools" title={t('servers.noTools')}>
        {server.state === 'connected' ? t('servers.noToolsConnected') : t('servers.noToolsYet')}
      </Empty>
    );
  return (
    <div className="ph-stack ph-pad">
      {mine.length > 8 && <SearchBox value={query} onChange={setQuery} label={t('tools.searchIn', { name: visible(server.name) })} />}
      {rows.length === 0 ? (
        <FilteredEmpty what={t('tools.many')} onClear={() => setQuery('')} />
      ) : (
        <ul className="ph-rows">
          {rows.slice(0, 512).map((row) => (
            <li key={row.name}>
              <a href={href(['tools', row.server, row.name])}>
                <span className="ph-grow">
                  <code>{visible(row.name)}</code>
                  <span className="ph-muted ph-cut">{row.summary}</span>
                </span>
                {row.quarantined && (
                  <span className="ph-chip ask quiet">
                    <Icon name="lock" size={12} />
                    {t('tools.quarantined')}
                  </span>
                )}
                <RiskChip value={row.risk} quiet />
                <Icon name="chevronRight" size={13} />
              </a>
            </li>
          ))}
        </ul>
      )}
      {rejected.length > 0 && (
        <Section title={t('servers.rejected', { count: rejected.length })}>
          <ul className="ph-lines">
            {rejected.map((row, index) => (
              <li key={index}>
                <code>{visible(row.name)}</code>
                <span className="ph-muted ph-break">{visible(row.reason)}</span>
              </li>
            ))}
          </ul>
        </Section>
      )}
    </div>
  );
}
