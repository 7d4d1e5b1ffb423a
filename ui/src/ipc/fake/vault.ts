/** What a vault keeps on a morning. `?vault=locked|passphrase|absent|session|key_missing|corrupt` puts it into another state. */
import type { SecretView, VaultView } from '../bindings';

const DAY = 86_400_000;

export const STATES: Record<string, VaultView> = {
  unlocked: { state: 'unlocked', kind: 'keyring', unreadable: 0 },
  locked: { state: 'locked', kind: 'keyring', unreadable: 0 },
  passphrase: { state: 'locked', kind: 'passphrase', unreadable: 0 },
  open_passphrase: { state: 'unlocked', kind: 'passphrase', unreadable: 0 },
  absent: { state: 'absent', kind: null, unreadable: 0 },
  session: { state: 'unlocked', kind: 'session', unreadable: 0 },
  key_missing: { state: 'key_missing', kind: null, unreadable: 6 },
  corrupt: { state: 'corrupt', kind: null, unreadable: 0 },
};

export const secrets = (now: number): SecretView[] => [
  { id: 's-1', ownerKind: 'server', ownerId: 'srv-prod', ownerName: 'k8s-prod-eu', field: 'auth_token', kind: 'token', present: true, updatedAt: now - 2 * DAY, expiresAt: now + 5 * DAY, lastUsed: now - 60_000 },
  { id: 's-2', ownerKind: 'server', ownerId: 'srv-staging', ownerName: 'k8s-staging', field: 'auth_headers.Authorization', kind: 'token', present: true, updatedAt: now - 9 * DAY, expiresAt: null, lastUsed: now - 300_000 },
  { id: 's-3', ownerKind: 'server', ownerId: 'srv-metrics', ownerName: 'metrics-rest', field: 'password', kind: 'password', present: false, updatedAt: now - 30 * DAY, expiresAt: null, lastUsed: null },
  { id: 's-4', ownerKind: 'cluster', ownerId: 'cl-prod', ownerName: 'prod-eu', field: 'client_certificate', kind: 'key', present: true, updatedAt: now - 3 * DAY, expiresAt: now + 6 * DAY + 60_000, lastUsed: now - 3_600_000 },
  { id: 's-5', ownerKind: 'cluster', ownerId: 'cl-lab', ownerName: 'lab', field: 'token', kind: 'token', present: true, updatedAt: now - 40 * DAY, expiresAt: now - 2 * DAY - 60_000, lastUsed: now - 20 * DAY },
  { id: 's-6', ownerKind: 'kubeconfig', ownerId: '/home/mira/.kube/config', ownerName: '/home/mira/.kube/config', field: 'original', kind: 'file', present: true, updatedAt: now - 3 * DAY, expiresAt: null, lastUsed: null },
];
