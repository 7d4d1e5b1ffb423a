/** A morning's clusters and a kubeconfig to import, with everything that a review has to show. */
import type { ClusterDetail, ClusterView, ConsentView, ContextView, KubeconfigView, ReachView, UiFault } from '../bindings';

const DAY = 86_400_000;
const CA = '5b1f0c9d4e7a82635b1f0c9d4e7a82635b1f0c9d4e7a82635b1f0c9d4e7a8263';

export const UNKNOWN: ReachView = { state: 'unknown', checkedAt: null, version: null, platform: null, user: null, groups: [], latencyMs: null, seenAt: null, fault: null };

type Flat = Omit<ClusterDetail, 'view'> & ClusterDetail['view'];

const base: Omit<Flat, 'id' | 'name' | 'server' | 'auth' | 'updatedAt'> = { file: '/home/mira/.kube/config', context: null, user: null, rewritten: false, exec: null, trusted: false, issuer: null, tokenFile: null, follows: false, expiresAt: null, insecure: false, lastUsed: null, lastUsedBy: null, lastUsedProgram: null, readOnly: false, colour: null, reach: UNKNOWN, caSha256: [CA], tlsServerName: null, proxy: null, namespace: null, impersonate: null };

const parted = ({ id, name, server, auth, expiresAt, insecure, file, rewritten, lastUsed, lastUsedBy, lastUsedProgram, readOnly, colour, reach, updatedAt, ...rest }: Flat): ClusterDetail => ({ view: { id, name, server, auth, expiresAt, insecure, file, rewritten, lastUsed, lastUsedBy, lastUsedProgram, readOnly, colour, reach, updatedAt }, ...rest });

const flat = (now: number): Flat[] => [
  { ...base, id: 'cl-prod', name: 'prod-eu', server: 'https://10.20.0.4:6443', context: 'prod-eu', user: 'mira@prod', auth: 'client_certificate', rewritten: true, expiresAt: now + 6 * DAY + 60_000, namespace: 'payments', lastUsed: now - 3_600_000, lastUsedBy: 'kubectl', lastUsedProgram: '/usr/local/bin/kubectl', colour: 'red', reach: { ...UNKNOWN, state: 'reachable', checkedAt: now - 60_000, version: 'v1.36.2', platform: 'linux/amd64', user: 'mira', groups: ['sre', 'system:authenticated'], latencyMs: 84, seenAt: now - 60_000 }, updatedAt: now - 3 * DAY },
  { ...base, id: 'cl-stage', name: 'staging', server: 'https://k8s.staging.example.net', context: 'staging', user: 'mira', auth: 'exec', exec: { argv: ['aws', 'eks', 'get-token', '--cluster-name', 'staging', '--output', 'json'], envNames: ['AWS_PROFILE'], folder: '/home/mira/.kube' }, trusted: true, caSha256: [], proxy: 'http://proxy.example.net:3128', impersonate: 'ops (groups: sre)', updatedAt: now - 3 * DAY },
  { ...base, id: 'cl-lab', name: 'lab', server: 'http://192.168.7.20:8080', context: 'lab', user: 'lab', auth: 'token', file: null, caSha256: [], expiresAt: now - 2 * DAY - 60_000, updatedAt: now - 40 * DAY },
  { ...base, id: 'cl-sso', name: 'platform', server: 'https://platform.example.net:6443', context: 'platform', user: 'oidc', auth: 'oidc', issuer: 'https://login.example.net', updatedAt: now - DAY },
];

/** What a cluster of the fake answers when it is asked. */
export const answer = (view: ClusterView, now: number): ReachView =>
  view.name === 'lab'
    ? { ...view.reach, state: 'failed', checkedAt: now, fault: DOWN }
    : { ...UNKNOWN, state: 'reachable', checkedAt: now, version: 'v1.36.2', platform: 'linux/amd64', user: 'mira', groups: ['sre', 'system:authenticated'], latencyMs: 84, seenAt: now };

export const DOWN: UiFault = { kind: 'unreachable', code: 'cluster_unreachable', message: { en: 'could not reach lab (http://192.168.7.20:8080): nobody listens there (connection refused)', zh: '无法连接 lab（http://192.168.7.20:8080）：连接被拒绝' }, hint: { en: 'Look whether a VPN or a proxy is needed, then try again.', zh: '请检查是否需要 VPN 或代理，然后重试。' }, params: {}, reference: null };

export const clusters = (now: number): ClusterDetail[] => flat(now).map(parted);

export const kubeconfigs = (now: number): KubeconfigView[] => [{ path: '/home/mira/.kube/config', bytes: 8421, changedAt: now - 9 * DAY }];

const context: ContextView = { context: '', cluster: '', user: '', file: '/home/mira/.kube/config', userFile: '', namespace: null, server: '', hostClass: 'private', plainHttp: false, caSha256: [CA], caFile: null, skipVerify: false, tlsServerName: null, proxy: null, proxyCredentials: false, auth: 'client_certificate', exec: null, signIn: null, issuer: null, reads: [], impersonate: null, warnings: [], refused: null, known: null };

export const contexts = (file: string): ContextView[] => [
  { ...context, file, context: 'prod-us', cluster: 'prod-us', user: 'mira@prod-us', server: 'https://10.30.0.4:6443', namespace: 'payments', reads: ['/home/mira/.kube/prod-us.crt', '/home/mira/.kube/prod-us.key'] },
  { ...context, file, context: 'eks-dev', cluster: 'dev', user: 'dev', server: 'https://4F2A.gr7.eu-west-1.eks.amazonaws.com', hostClass: 'name', auth: 'exec', exec: { argv: ['./bin/get token', '--cluster', 'dev; rm -rf ~'], envNames: ['AWS_PROFILE', 'AWS_REGION'], folder: file ? '/home/mira/.kube' : null }, warnings: [{ en: 'The program is a relative path: it lies beside the kubeconfig, where who wrote the one could write the other.', zh: '程序是相对路径：它与 kubeconfig 放在一起，能写其一者也能写其二。' }] },
  { ...context, file, context: 'lab', cluster: 'lab', user: 'lab', server: 'http://192.168.7.20:8080', plainHttp: true, caSha256: [], skipVerify: true, auth: 'token', proxy: 'http://proxy.example.net:3128', proxyCredentials: true, impersonate: 'admin (groups: system:masters)', known: 'cl-lab', warnings: [{ en: 'The token goes over an unencrypted connection.', zh: '令牌将通过未加密的连接发送。' }] },
  { ...context, file, context: 'sso', cluster: 'sso', user: 'sso', server: 'https://sso.example.net:6443', hostClass: 'name', auth: 'exec', exec: { argv: ['kubectl', 'oidc-login', 'get-token', '--oidc-issuer-url=https://login.example.net', '--oidc-client-id=kubernetes'], envNames: [], folder: file ? '/home/mira/.kube' : null }, signIn: { issuer: 'https://login.example.net', clientId: 'kubernetes', scopes: ['email'] }, known: 'cl-sso' },
  { ...context, file, context: 'robot', cluster: 'prod-us', user: 'robot', server: 'https://10.30.0.4:6443', auth: 'token_file', reads: ['/var/run/secrets/robot/token'] },
  { ...context, file, context: 'gke-old', cluster: 'gke', user: 'gke', server: 'https://34.90.1.2', hostClass: 'public', auth: 'auth_provider', refused: { en: 'It signs in with auth-provider gcp, which Kubernetes removed and which can run a program. Use the plugin gke-gcloud-auth-plugin instead.', zh: '它使用 auth-provider gcp 认证：Kubernetes 已移除该方式，且它可以运行程序。请改用 gke-gcloud-auth-plugin 插件。' } },
];

const KUBECTL = '/home/mira/.local/share/mise/installs/kubectl/1.34.2/bin/kubectl';

export const consents = (now: number): ConsentView[] => [
  { program: KUBECTL, sha256: CA, cluster: 'prod-eu', clusterId: 'cl-prod', answer: 'until', until: now + 600_000, at: now - 300_000, lastUsed: now - 60_000 },
  { program: KUBECTL, sha256: CA, cluster: 'lab', clusterId: 'cl-lab', answer: 'always', until: null, at: now - 9 * DAY, lastUsed: null },
  { program: '/tmp/helper', sha256: CA, cluster: null, clusterId: null, answer: 'deny', until: null, at: now - DAY, lastUsed: null },
];
