/** What the Settings page asks the core. */
import { NOTHING, useChange, useRead } from '@/ipc/query';

export type { DefaultView, PolicyView, RiskView, RuleView, UiFault } from '@/ipc/bindings';

export const usePolicy = () => useRead('policy_get', NOTHING);
export const useSetPolicy = () => useChange('policy_set');
export const useDiagnostics = () => useChange('diagnostics');
export const useServerNames = () => useRead('server_list', NOTHING);
