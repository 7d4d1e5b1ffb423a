/** What the Explorer asks the core. Nothing here runs before a person opened a cluster; a question that nobody waits for any more is given up there too. */
import { useQuery, useQueryClient, type QueryClient, type UseQueryResult } from '@tanstack/react-query';
import { useCallback } from 'react';
import { NOTHING, useClient, useRead } from '@/ipc/query';
import type { KubeColumnView, KubeKindsView, KubeObjectView, KubeRowView, KubeTablePart, KubeUsageView, UiFault, Words } from '@/ipc/bindings';
import type { Client, Message, Name, Req, Res } from '@/ipc/wire';
import { uuid } from '@/shared/lib/hooks';

export type { ClusterDetail, KubeColumnView, KubeKindView, KubeKindsView, KubeObjectView, KubeRowView, UiFault } from '@/ipc/bindings';

/** A table as far as it has come in. */
export type KubeTable = { columns: KubeColumnView[]; rows: KubeRowView[]; notes: Words[]; whole: boolean };

/** Which table: of a kind, in one namespace or (null) everywhere. */
export type TableOf = { cluster: string; kind: string; namespace: string | null; fields: string | null; labels?: string | null };

type Asking = 'kube_kinds' | 'kube_table' | 'kube_object' | 'kube_usage';

async function ask<K extends Asking>(client: Client, name: K, req: Omit<Req<K>, 'ask'>, signal: AbortSignal, onMessage?: (message: Message<K>) => void): Promise<Res<K>> {
  const id = uuid();
  const giveUp = () => void client.call('kube_cancel', { id }).catch(() => undefined);
  signal.addEventListener('abort', giveUp, { once: true });
  try {
    return await client.call(name, { ...req, ask: id } as Req<K>, onMessage);
  } finally {
    signal.removeEventListener('abort', giveUp);
  }
}

export const useCluster = (id: string) => useRead('cluster_get', { id });
export const useClusters = () => useRead('cluster_list', NOTHING);

const kindsKey = (cluster: string) => ['kube_kinds' satisfies Name, { cluster }];

export function useKinds(cluster: string): UseQueryResult<KubeKindsView, UiFault> {
  const client = useClient();
  return useQuery<KubeKindsView, UiFault>({ queryKey: kindsKey(cluster), queryFn: ({ signal }) => ask(client, 'kube_kinds', { cluster }, signal) });
}

/** The kinds of a cluster that was opened before; the cluster is not asked. */
export const knownKinds = (queries: QueryClient, cluster: string): KubeKindsView | undefined => queries.getQueryData(kindsKey(cluster));

export type ObjectOf = { cluster: string; kind: string; namespace: string | null; name: string };

export function useObject(of: ObjectOf): UseQueryResult<KubeObjectView, UiFault> {
  const client = useClient();
  return useQuery<KubeObjectView, UiFault>({ queryKey: ['kube_object', of], queryFn: ({ signal }) => ask(client, 'kube_object', of, signal), staleTime: 5_000 });
}

/** What is used now: by the pods of a namespace, or (null) by the nodes. Asked again every half minute, which is how often it is measured. */
export function useUsage(of: { cluster: string; namespace: string | null }): UseQueryResult<KubeUsageView[], UiFault> {
  const client = useClient();
  return useQuery<KubeUsageView[], UiFault>({
    queryKey: ['kube_usage', of],
    queryFn: ({ signal }) => ask(client, 'kube_usage', { ...of, labels: null }, signal),
    staleTime: 15_000,
    refetchInterval: (query) => (query.state.error ? false : 30_000),
  });
}

/** Takes pieces of a table until all that were told have come in: the core's answer may overtake the last of them. */
export function gathering(show: (table: KubeTable) => void) {
  let table: KubeTable = { columns: [], rows: [], notes: [], whole: false };
  let came = 0;
  let wait: { parts: number; done: () => void } | null = null;
  return {
    take(part: KubeTablePart) {
      came += 1;
      if (part.part === 'head') table = { ...table, columns: part.columns };
      else if (part.part === 'rows') table = { ...table, rows: table.rows.concat(part.rows) };
      else if (part.part === 'again') table = { ...table, rows: part.namespace === null ? [] : table.rows.filter((row) => row.namespace !== part.namespace) };
      else table = { ...table, notes: [...table.notes, part.note] };
      show(table);
      if (wait && came >= wait.parts) wait.done();
    },
    async whole(parts: number): Promise<KubeTable> {
      if (came < parts) await new Promise<void>((done) => (wait = { parts, done }));
      return { ...table, whole: true };
    },
  };
}

/** A table; its first rows are shown while the rest is under way, and old rows stay until new ones are there. */
export function useTable(of: TableOf, enabled = true): UseQueryResult<KubeTable, UiFault> {
  const client = useClient();
  const queries = useQueryClient();
  const key = ['kube_table', of];
  return useQuery<KubeTable, UiFault>({
    queryKey: key,
    enabled,
    staleTime: 20_000,
    queryFn: async ({ signal }) => {
      const first = queries.getQueryData<KubeTable>(key) === undefined;
      let last = 0;
      const gathered = gathering((table) => {
        const now = performance.now();
        if (!first || signal.aborted || table.columns.length === 0 || now - last < 80) return;
        last = now;
        queries.setQueryData(key, table);
      });
      const { parts } = await ask(client, 'kube_table', of, signal, gathered.take);
      return gathered.whole(parts);
    },
  });
}

/** Waits no longer. */
export function useGiveUp() {
  const queries = useQueryClient();
  return useCallback((key: unknown[]) => void queries.cancelQueries({ queryKey: key }), [queries]);
}

export const keyOf = { kinds: kindsKey, table: (of: TableOf) => ['kube_table', of], object: (of: ObjectOf) => ['kube_object', of] };
