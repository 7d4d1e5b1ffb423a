/** What the Clusters page asks the core. Pasted text carries secrets: it goes by `useSecretChange`, which keeps nothing of it. */
import { NOTHING, useChange, useRead, useSecretChange } from '@/ipc/query';

export type { ClusterDetail, ClusterImportRes, ClustersView, ClusterView, ContextView, ExecView, FindingView, FindingsView, KubeconfigView, ReviewView, UiFault } from '@/ipc/bindings';

export const useClusters = () => useRead('cluster_list', NOTHING);
export const useCluster = (id: string) => useRead('cluster_get', { id });
export const useKubeconfigs = () => useRead('kubeconfig_list', NOTHING);

export const usePickFile = () => useChange('kubeconfig_pick');
export const useReview = () => useSecretChange('cluster_review');
export const useImport = () => useChange('cluster_import');
export const useRemove = () => useChange('cluster_remove');
export const useLock = () => useChange('cluster_lock');
export const useUnlock = () => useChange('cluster_unlock');
export const useVerify = () => useChange('cluster_verify');
export const useRestore = () => useChange('cluster_restore');

/** Whether a name says that people depend on it. */
export const isProd = (name: string): boolean => /prod/i.test(name);
