/** What the Workbench asks the core, besides what `bench.ts` does by itself. */
import { useQuery, useQueryClient, type UseQueryResult } from '@tanstack/react-query';
import { NOTHING, useClient, useRead } from '@/ipc/query';
import { ask } from '@/ipc/ask';
import type { UiFault, WbLiveView } from '@/ipc/bindings';

export type {
  ClusterView,
  UiFault,
  WbAppliedView,
  WbChangeView,
  WbCheckView,
  WbConflictView,
  WbDraftView,
  WbFieldView,
  WbPastView,
  WbObject,
  WbOutlineView,
  WbProblemView,
  WbRehearsalView,
  WbRolloutView,
  Words,
} from '@/ipc/bindings';

export const useClusters = () => useRead('cluster_list', NOTHING);
export const useVault = () => useRead('vault_get', NOTHING);
export const useVersions = () => useRead('wb_versions', NOTHING);
export const useTemplates = (enabled: boolean) => useRead('wb_templates', NOTHING, { enabled });
export const useRules = (cluster: string | null) => useRead('wb_rules', { cluster });
export const useKept = () => useRead('wb_changes', NOTHING);
export const useDrafts = () => useRead('wb_draft_list', NOTHING);

/** The objects of a text as they are in the cluster now. */
export function useLive(cluster: string | null, namespace: string | null, rev: number, text: () => string, enabled: boolean): UseQueryResult<WbLiveView[], UiFault> & { giveUp: () => void } {
  const client = useClient();
  const queries = useQueryClient();
  const key = ['wb_live', { cluster, namespace, rev }];
  const found = useQuery<WbLiveView[], UiFault>({
    queryKey: key,
    enabled: enabled && cluster !== null,
    staleTime: 5_000,
    gcTime: 0,
    queryFn: ({ signal }) => ask(client, 'wb_live', { cluster: cluster!, namespace, text: text() }, signal),
  });
  return { ...found, giveUp: () => void queries.cancelQueries({ queryKey: key }) };
}

/** The names of a cluster's namespaces, once somebody wants to choose one. */
export function useNamespaces(cluster: string | null, wanted: boolean): string[] {
  const client = useClient();
  const found = useQuery<string[], UiFault>({
    queryKey: ['kube_table', { cluster, kind: 'namespaces', names: true }],
    enabled: wanted && cluster !== null,
    queryFn: async ({ signal }) => {
      const names: string[] = [];
      let came = 0;
      let told: () => void = () => undefined;
      const { parts } = await ask(client, 'kube_table', { cluster: cluster!, kind: 'namespaces', namespace: null, fields: null }, signal, (part) => {
        came += 1;
        if (part.part === 'rows') names.push(...part.rows.map((row) => row.name));
        told();
      });
      // The core's answer may overtake its last pieces.
      if (came < parts) await new Promise<void>((done) => (told = () => came >= parts && done()));
      return names.sort();
    },
  });
  return found.data ?? [];
}
