/** What the Explorer asks the core. Nothing here runs before a person opened a cluster; a question that nobody waits for any more is given up there too. */
import { useQuery, useQueryClient, type QueryClient, type UseQueryResult } from '@tanstack/react-query';
import { useCallback, useEffect, useState } from 'react';
import { ask } from '@/ipc/ask';
import { NOTHING, useClient, useRead } from '@/ipc/query';
import type { KubeColumnView, KubeCountView, KubeKindsView, KubeObjectView, KubeRowView, KubeTablePart, KubeUsageView, UiFault, Words } from '@/ipc/bindings';
import type { Name } from '@/ipc/wire';
import { changing, NOT_LIVE, type Live } from './live';

export type { ClusterDetail, KubeColumnView, KubeCountView, KubeKindView, KubeKindsView, KubeObjectView, KubeRowView, UiFault } from '@/ipc/bindings';

/** A table as far as it has come in. */
export type KubeTable = {
  columns: KubeColumnView[];
  rows: KubeRowView[];
  notes: Words[];
  whole: boolean;
  /** Where a watch goes on from; null where the cluster does not say. */
  place: string | null;
  /** When its rows came in from a question; what changed since says so by itself. */
  askedAt: number;
};

/** Which table: of a kind, in one namespace or (null) everywhere. */
export type TableOf = { cluster: string; kind: string; namespace: string | null; fields: string | null; labels?: string | null };

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
  let table: KubeTable = { columns: [], rows: [], notes: [], whole: false, place: null, askedAt: Date.now() };
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
    async whole(parts: number, place: string | null = null): Promise<KubeTable> {
      if (came < parts) await new Promise<void>((done) => (wait = { parts, done }));
      return { ...table, whole: true, place, askedAt: Date.now() };
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
      const { parts, place } = await ask(client, 'kube_table', of, signal, gathered.take);
      return gathered.whole(parts, place);
    },
  });
}

/**
 * Keeps a table that is there up to date: what changes is put into it, at most every 50 ms and less often the more rows there are. Where
 * that is not allowed the table stays as it was asked for.
 */
export function useLive(of: TableOf, table: KubeTable | undefined): Live {
  const client = useClient();
  const queries = useQueryClient();
  const place = table?.whole ? table.place : null;
  const { cluster, kind, namespace, fields } = of;
  const [live, setLive] = useState<Live>(NOT_LIVE);
  useEffect(() => {
    if (place === null) return;
    const key = ['kube_table', { cluster, kind, namespace, fields }];
    const end = new AbortController();
    const changes = changing(
      () => queries.getQueryData<KubeTable>(key),
      (next) => {
        if (!end.signal.aborted) queries.setQueryData(key, next, { updatedAt: queries.getQueryState(key)?.dataUpdatedAt });
      },
      (next) => {
        if (!end.signal.aborted) setLive(next);
      },
    );
    void ask(client, 'kube_watch', { cluster, kind, namespace, fields, place }, end.signal, changes.take).then(
      () => undefined,
      (why: UiFault) => {
        if (!end.signal.aborted) setLive({ state: 'ended', since: Date.now(), why });
      },
    );
    return () => {
      end.abort();
      changes.end();
      setLive(NOT_LIVE);
    };
  }, [client, queries, cluster, kind, namespace, fields, place]);
  return live;
}

/** How many objects of these kinds there are; null where they may not be listed. */
export function useCounts(cluster: string, kinds: string[], namespace: string | null): ReadonlyMap<string, KubeCountView> {
  const client = useClient();
  const counts = useQuery<KubeCountView[], UiFault>({
    queryKey: ['kube_counts', { cluster, kinds, namespace }],
    enabled: kinds.length > 0,
    staleTime: 30_000,
    refetchInterval: 60_000,
    queryFn: ({ signal }) => ask(client, 'kube_counts', { cluster, kinds, namespace }, signal),
    placeholderData: (before, query) => ((query?.queryKey[1] as { cluster: string; namespace: string | null } | undefined)?.namespace === namespace ? before : undefined),
  });
  return new Map((counts.data ?? []).map((one) => [one.kind, one]));
}

/** Waits no longer. */
export function useGiveUp() {
  const queries = useQueryClient();
  return useCallback((key: unknown[]) => void queries.cancelQueries({ queryKey: key }), [queries]);
}

export const keyOf = { kinds: kindsKey, table: (of: TableOf) => ['kube_table', of], object: (of: ObjectOf) => ['kube_object', of] };
