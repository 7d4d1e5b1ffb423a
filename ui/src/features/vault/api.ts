/** What the vault's pages ask the core. Whatever carries a secret goes by `useSecretChange`, which keeps nothing of it. */
import { NOTHING, useChange, useRead, useSecretChange } from '@/ipc/query';

export type { SecretView, UiFault, VaultView } from '@/ipc/bindings';

export const useVault = () => useRead('vault_get', NOTHING);
export const useSecrets = () => useRead('secret_list', NOTHING);

export const useLock = () => useChange('vault_lock');
export const useRemoveSecret = () => useChange('secret_remove');
export const useWipe = () => useChange('vault_wipe');
export const useUnlock = () => useSecretChange('vault_unlock');
export const useSettle = () => useSecretChange('vault_settle');
export const useRotate = () => useSecretChange('vault_rotate');
export const useExportKit = () => useSecretChange('vault_export_kit');
export const useRestoreKit = () => useSecretChange('vault_restore_kit');
export const useSetSecret = () => useSecretChange('secret_set');
