/** The pages. What is not built is not here. */
import { NOTHING, useRead } from '@/ipc/query';
import { useT } from '@/shared/i18n/t';
import { href } from '@/shared/lib/route';
import { Icon, type IconName } from '@/shared/ui/icon';

type Props = { page: string; folded: boolean; onFold: () => void };

const PLACES: { page: 'servers' | 'tools' | 'clusters' | 'workbench' | 'activity' | 'settings'; icon: IconName; keys: string }[] = [
  { page: 'servers', icon: 'servers', keys: 'g s' },
  { page: 'tools', icon: 'tools', keys: 'g t' },
  { page: 'clusters', icon: 'wheel', keys: 'g c' },
  { page: 'workbench', icon: 'bench', keys: 'g w' },
  { page: 'activity', icon: 'activity', keys: 'g a' },
  { page: 'settings', icon: 'settings', keys: 'g ,' },
];

export function Sidebar({ page, folded, onFold }: Props) {
  const { t } = useT();
  const servers = useRead('server_list', NOTHING);
  const tools = useRead('tool_list', NOTHING);
  const clusters = useRead('cluster_list', NOTHING);
  const counts: Record<string, number | undefined> = { servers: servers.data?.length, tools: tools.data?.length, clusters: clusters.data?.clusters.length };
  return (
    <nav className="ph-side" aria-label={t('nav.label')}>
      <ul>
        {PLACES.map((place) => (
          <li key={place.page}>
            <a
              href={href([place.page])}
              className={page === place.page ? 'on' : undefined}
              aria-current={page === place.page ? 'page' : undefined}
              data-testid={`nav-${place.page}`}
              title={`${t(`nav.${place.page}`)}  (${place.keys})`}
              aria-label={folded ? t(`nav.${place.page}`) : undefined}
            >
              <Icon name={place.icon} />
              {!folded && <span className="ph-grow">{t(`nav.${place.page}`)}</span>}
              {!folded && counts[place.page] !== undefined && <span className="ph-badge ph-num">{counts[place.page]}</span>}
            </a>
          </li>
        ))}
      </ul>
      <button type="button" className="ph-plain fold" onClick={onFold} aria-label={folded ? t('nav.unfold') : undefined} title={folded ? t('nav.unfold') : t('nav.fold')} data-testid="nav-fold">
        <Icon name="sidebar" />
        {!folded && <span className="ph-faint">{t('nav.fold')}</span>}
      </button>
    </nav>
  );
}
