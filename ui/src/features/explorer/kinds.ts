/** Which kinds stand together in the tree. Pure. */
import { byName } from '@/shared/lib/format';
import { fits } from '@/shared/lib/fuzzy';
import type { KubeKindView } from './api';

/** The kinds of Kubernetes itself, in the order in which people look for them. */
const KNOWN: Record<string, string[]> = {
  workloads: ['pods', 'deployments.apps', 'statefulsets.apps', 'daemonsets.apps', 'jobs.batch', 'cronjobs.batch', 'replicasets.apps', 'horizontalpodautoscalers.autoscaling', 'poddisruptionbudgets.policy', 'replicationcontrollers'],
  network: ['services', 'ingresses.networking.k8s.io', 'endpoints', 'endpointslices.discovery.k8s.io', 'networkpolicies.networking.k8s.io', 'ingressclasses.networking.k8s.io'],
  config: ['configmaps', 'secrets', 'resourcequotas', 'limitranges', 'priorityclasses.scheduling.k8s.io'],
  storage: ['persistentvolumeclaims', 'persistentvolumes', 'storageclasses.storage.k8s.io', 'volumeattachments.storage.k8s.io'],
  access: ['serviceaccounts', 'roles.rbac.authorization.k8s.io', 'rolebindings.rbac.authorization.k8s.io', 'clusterroles.rbac.authorization.k8s.io', 'clusterrolebindings.rbac.authorization.k8s.io'],
  cluster: ['namespaces', 'nodes', 'events', 'customresourcedefinitions.apiextensions.k8s.io'],
};

const PLACES = new Map(Object.entries(KNOWN).flatMap(([group, names]) => names.map((name, place) => [name, { group, place }] as const)));

/** The API groups that come with a server. Others under `k8s.io` (gateways, snapshots) are installed like any custom resource. */
const BUILT_IN = new Set(
  ['', 'apps', 'batch', 'autoscaling', 'policy', 'extensions', 'events', 'networking', 'discovery', 'storage', 'rbac.authorization', 'scheduling', 'coordination', 'node', 'certificates', 'admissionregistration', 'apiextensions', 'apiregistration', 'authentication', 'authorization', 'flowcontrol.apiserver', 'internal.apiserver', 'resource', 'storagemigration'].map(
    (group) => (group === '' || ['apps', 'batch', 'autoscaling', 'policy', 'extensions'].includes(group) ? group : `${group}.k8s.io`),
  ),
);

export type KindGroup = { key: string; /** The API group, where the kinds are custom resources. */ custom: boolean; kinds: KubeKindView[] };

/** Kinds that can be listed, each in the version that the server prefers, without what is only another name for the same objects. */
export function listable(kinds: readonly KubeKindView[]): KubeKindView[] {
  const seen = new Set<string>();
  return kinds.filter((kind) => {
    if (!kind.listed || seen.has(kind.name) || kind.name === 'events.events.k8s.io') return false;
    seen.add(kind.name);
    return true;
  });
}

/** The tree. Groups without any kind are left out. */
export function grouped(kinds: readonly KubeKindView[], query = ''): KindGroup[] {
  const all = listable(kinds).filter((kind) => query.trim() === '' || fits(query, `${kind.kind} ${kind.name} ${kind.shortNames.join(' ')}`));
  const groups = new Map<string, KindGroup>([...Object.keys(KNOWN), 'more'].map((key) => [key, { key, custom: false, kinds: [] }]));
  for (const kind of all) {
    const key = PLACES.get(kind.name)?.group ?? (BUILT_IN.has(kind.group) ? 'more' : kind.group);
    const group = groups.get(key) ?? { key, custom: true, kinds: [] };
    group.kinds.push(kind);
    groups.set(key, group);
  }
  const place = (kind: KubeKindView) => PLACES.get(kind.name)?.place ?? 1000;
  for (const group of groups.values()) group.kinds.sort((a, b) => place(a) - place(b) || byName(a.kind, b.kind));
  const some = [...groups.values()].filter((group) => group.kinds.length > 0);
  return [...some.filter((group) => !group.custom), ...some.filter((group) => group.custom).sort((a, b) => byName(a.key, b.key))];
}
