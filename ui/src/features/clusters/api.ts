/** What the Clusters page asks the core. Pasted text carries secrets: it goes by `useSecretChange`, which keeps nothing of it. */
import { NOTHING, useChange, useRead, useSecretChange } from '@/ipc/query';

export type { ClusterDetail, ClusterImportRes, ClusterSetReq, ClustersView, ClusterView, ConsentView, ContextView, ExecView, FindingsView, FindingView, KubeconfigView, LoginStepView, ReachView, ReviewView, SignInView, UiFault } from '@/ipc/bindings';

export const useClusters = () => useRead('cluster_list', NOTHING);
export const useCluster = (id: string) => useRead('cluster_get', { id });
export const useKubeconfigs = () => useRead('kubeconfig_list', NOTHING);

export const usePickFile = () => useChange('kubeconfig_pick');
export const useReview = () => useSecretChange('cluster_review');
export const useImport = () => useChange('cluster_import');
/** Asks clusters now, because a person wants to know. */
export const useCheck = () => useChange('cluster_check');
/** Looks again at those that answered a person before. */
export const useRefresh = () => useChange('cluster_refresh');
export const useSet = () => useChange('cluster_set');
export const usePlugin = (id: string) => useRead('cluster_plugin', { id });
export const useRemove = () => useChange('cluster_remove');
export const useLock = () => useChange('cluster_lock');
export const useUnlock = () => useChange('cluster_unlock');
export const useVerify = () => useChange('cluster_verify');
export const useRestore = () => useChange('cluster_restore');
export const useConsents = () => useRead('consent_list', NOTHING);
export const useForget = () => useChange('consent_forget');
export const useSignIn = (id: string) => useRead('cluster_sign_in', { id });
export const useCancelLogin = () => useChange('cluster_login_cancel');
export const useLogout = () => useChange('cluster_logout');
export const useOpenPage = () => useChange('open_page');

/** The colours that a cluster may have, as the core knows them. */
export const COLOURS = ['red', 'orange', 'amber', 'green', 'blue', 'violet', 'pink', 'grey'] as const;

export { isProd } from '@/shared/lib/prod';
