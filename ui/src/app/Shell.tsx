/** Title bar, sidebar, page, status bar; what is over all pages: palette, shortcuts, questions. */
import { useEffect, useState, type ReactNode } from 'react';
import { ActivityPage } from '@/features/activity/ActivityPage';
import { ClustersPage } from '@/features/clusters/ClustersPage';
import { ExplorerPage } from '@/features/explorer/ExplorerPage';
import { QuestionDesk } from '@/features/questions/QuestionDesk';
import { ServersPage } from '@/features/servers/ServersPage';
import { SettingsPage } from '@/features/settings/SettingsPage';
import { ToolsPage } from '@/features/tools/ToolsPage';
import { VaultBanner } from '@/features/vault/VaultBanner';
import { VaultPart } from '@/features/vault/VaultPart';
import { WorkbenchPage } from '@/features/workbench/WorkbenchPage';
import { usePrefs } from '@/ipc/prefs';
import { useRoute } from '@/shared/lib/route';
import { Toasts } from '@/shared/ui/toasts';
import { Net } from './App';
import { CommandPalette } from './CommandPalette';
import { Shortcuts } from './Shortcuts';
import { Sidebar } from './Sidebar';
import { StatusBar } from './StatusBar';
import { StoreNotice } from './StoreNotice';
import { TitleBar } from './TitleBar';

const PAGES: Record<string, (path: string[]) => ReactNode> = {
  servers: () => <ServersPage />,
  tools: () => <ToolsPage />,
  clusters: ([, id, part]) => (id !== undefined && part === 'explore' ? <ExplorerPage id={id} /> : <ClustersPage />),
  workbench: () => <WorkbenchPage />,
  activity: () => <ActivityPage />,
  settings: () => <SettingsPage vault={<VaultPart />} />,
};

export function Shell() {
  const route = useRoute();
  const { value, set } = usePrefs();
  const narrow = useNarrow();
  const chosen = value('sidebar');
  const folded = chosen === 'folded' || (chosen !== 'open' && narrow);
  const page = PAGES[route.path[0] ?? ''] ? route.path[0]! : 'servers';
  return (
    <div className={`ph-shell${folded ? ' folded' : ''}`}>
      <TitleBar />
      <Sidebar page={page} folded={folded} onFold={() => set('sidebar', folded ? 'open' : 'folded')} />
      <main className="ph-main" data-testid={`page-${page}`}>
        <StoreNotice />
        {page !== 'settings' && <VaultBanner />}
        <Net small key={page}>
          {PAGES[page]!(route.path)}
        </Net>
      </main>
      <StatusBar />
      <CommandPalette />
      <Shortcuts />
      <QuestionDesk />
      <Toasts />
    </div>
  );
}

function useNarrow(): boolean {
  const [narrow, setNarrow] = useState(() => window.innerWidth < 1100);
  useEffect(() => {
    const look = () => setNarrow(window.innerWidth < 1100);
    window.addEventListener('resize', look);
    return () => window.removeEventListener('resize', look);
  }, []);
  return narrow;
}
