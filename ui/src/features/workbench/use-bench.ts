/** The bench of this window, and what is around it. */
import { useQueryClient } from '@tanstack/react-query';
import { createContext, useContext, useMemo, useSyncExternalStore } from 'react';
import { useClient } from '@/ipc/query';
import { clock } from '@/shared/lib/format';
import { useNow } from '@/shared/lib/now';
import { useClusters, useVault, type ClusterView } from './api';
import { benchOf, type Bench, type BenchState } from './bench';
import { standing, type Standing } from './steps';

export function useBenchHere(): Bench {
  const client = useClient();
  const queries = useQueryClient();
  return useMemo(() => benchOf(client, queries), [client, queries]);
}

export const BenchContext = createContext<Bench | null>(null);

/** What lies on the bench, and the bench itself. */
export function useBench(): [BenchState, Bench] {
  const bench = useContext(BenchContext);
  if (!bench) throw new Error('BenchContext is missing');
  return [useSyncExternalStore(bench.subscribe, bench.get), bench];
}

/** A cluster by its id. */
export function useClusterOf(id: string | null): ClusterView | null {
  const clusters = useClusters();
  return clusters.data?.clusters.find((one) => one.id === id) ?? null;
}

export function useStanding(): Standing {
  const [state] = useBench();
  const clusters = useClusters();
  const vault = useVault();
  const cluster = useClusterOf(state.target.cluster);
  const now = useNow();
  const locked = clusters.data?.locked === true || cluster?.reach.state === 'locked' || (vault.data !== undefined && vault.data.state !== 'unlocked');
  return standing(state, { cluster, locked, now, clock });
}
