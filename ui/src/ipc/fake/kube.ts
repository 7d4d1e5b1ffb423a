/** What the fake's clusters hold: tables as a server draws them, and one whole object behind each row. */
import type { Json, KubeActRes, KubeActStep, KubeColumnView, KubeCountView, KubeKindsView, KubeKindView, KubeObjectView, KubeRevisionView, KubeRowView, KubeTablePart, KubeUsageView, KubeWatchPart, UiFault } from '../bindings';
import type { Req } from '../wire';
import { DOWN } from './clusters';
import { fault } from './world';

type Say = (part: KubeTablePart) => void;

const kind = (name: string, called: string, shortNames: string[] = [], namespaced = true, version = 'v1'): KubeKindView => {
  const dot = name.indexOf('.');
  const group = dot < 0 ? '' : name.slice(dot + 1);
  return { name, kind: called, group, apiVersion: group === '' ? version : `${group}/${version}`, shortNames, namespaced, listed: true, patched: true };
};

const KINDS: KubeKindView[] = [
  kind('configmaps', 'ConfigMap', ['cm']),
  kind('endpoints', 'Endpoints', ['ep']),
  kind('events', 'Event', ['ev']),
  kind('namespaces', 'Namespace', ['ns'], false),
  kind('nodes', 'Node', ['no'], false),
  kind('persistentvolumeclaims', 'PersistentVolumeClaim', ['pvc']),
  kind('persistentvolumes', 'PersistentVolume', ['pv'], false),
  kind('pods', 'Pod', ['po']),
  kind('secrets', 'Secret'),
  kind('serviceaccounts', 'ServiceAccount', ['sa']),
  kind('services', 'Service', ['svc']),
  { ...kind('bindings', 'Binding'), listed: false, patched: false },
  kind('daemonsets.apps', 'DaemonSet', ['ds']),
  kind('deployments.apps', 'Deployment', ['deploy']),
  kind('replicasets.apps', 'ReplicaSet', ['rs']),
  kind('statefulsets.apps', 'StatefulSet', ['sts']),
  kind('cronjobs.batch', 'CronJob', ['cj']),
  kind('jobs.batch', 'Job'),
  kind('events.events.k8s.io', 'Event', ['ev']),
  kind('ingresses.networking.k8s.io', 'Ingress', ['ing']),
  kind('networkpolicies.networking.k8s.io', 'NetworkPolicy', ['netpol']),
  kind('storageclasses.storage.k8s.io', 'StorageClass', ['sc'], false),
  kind('clusterroles.rbac.authorization.k8s.io', 'ClusterRole', [], false),
  kind('roles.rbac.authorization.k8s.io', 'Role'),
  kind('leases.coordination.k8s.io', 'Lease'),
  kind('customresourcedefinitions.apiextensions.k8s.io', 'CustomResourceDefinition', ['crd'], false),
  kind('certificates.cert-manager.io', 'Certificate', ['cert']),
  kind('issuers.cert-manager.io', 'Issuer'),
  kind('services.serving.knative.dev', 'Service', ['kservice']),
];

const column = (name: string, rest: Partial<KubeColumnView> = {}): KubeColumnView => ({ name, kind: 'string', format: name === 'Name' ? 'name' : '', description: '', priority: 0, ...rest });
const number: Partial<KubeColumnView> = { kind: 'integer' };
const wide: Partial<KubeColumnView> = { priority: 1 };

const PODS = [column('Name'), column('Ready', { description: 'How many of its containers are ready.' }), column('Status'), column('Restarts'), column('Age'), column('IP', wide), column('Node', wide), column('Nominated Node', wide), column('Readiness Gates', wide)];
const EVENTS = [column('Last Seen'), column('Type'), column('Reason'), column('Object'), column('Subobject', wide), column('Source', wide), column('Message'), column('First Seen', wide), column('Count', { ...wide, ...number }), column('Name', wide)];

const APPS: [string, string][] = [['payments', 'ledger'], ['payments', 'checkout'], ['payments', 'refunds'], ['shop', 'catalogue'], ['shop', 'search'], ['shop', 'cart'], ['kube-system', 'coredns'], ['monitoring', 'prometheus'], ['monitoring', 'grafana']];
const AGES = ['9d', '4h12m', '47m', '23d', '2d3h', '118s', '400d'];

type Drawn = { columns: KubeColumnView[]; rows: KubeRowView[]; note?: { en: string; zh: string } };

const row = (namespace: string | null, name: string, cells: Json[]): KubeRowView => ({ namespace, name, cells });

const ODD: Record<number, [string, string, string]> = { 3: ['0/1', 'CrashLoopBackOff', '14 (2m ago)'], 7: ['0/1', 'ImagePullBackOff', '0'], 11: ['0/1', 'Pending', '0'], 16: ['0/1', 'Completed', '0'], 19: ['1/1', 'Terminating', '0'] };

function pods(many: boolean): Drawn {
  const count = many ? 10_000 : 27;
  const rows = Array.from({ length: count }, (_, index) => {
    const [namespace, app] = APPS[index % APPS.length]!;
    const name = `${app}-7c9f${(index * 7919).toString(16).padStart(5, '0').slice(-5)}-x${(index % 97).toString(36)}q`;
    const [ready, status, restarts] = ODD[index] ?? ['1/1', 'Running', index % 5 === 0 ? '2 (3d ago)' : '0'];
    return row(namespace, name, [name, ready, status, restarts, AGES[index % AGES.length]!, status === 'Pending' ? '<none>' : `10.42.${index % 7}.${index % 250}`, status === 'Pending' ? '<none>' : `node-${index % 3}`, '<none>', '<none>']);
  });
  return { columns: PODS, rows };
}

const NAMESPACES = ['default', 'kube-system', 'monitoring', 'payments', 'shop'];

function drawn(name: string, many: boolean): Drawn {
  switch (name) {
    case 'pods':
      return pods(many);
    case 'namespaces':
      return { columns: [column('Name'), column('Status'), column('Age')], rows: NAMESPACES.map((one, index) => row(null, one, [one, 'Active', index < 2 ? '400d' : '23d'])) };
    case 'nodes':
      return { columns: [column('Name'), column('Status'), column('Roles'), column('Age'), column('Version'), column('Internal-IP', wide)], rows: [row(null, 'node-0', ['node-0', 'Ready', 'control-plane', '400d', 'v1.36.2', '10.20.0.4']), row(null, 'node-1', ['node-1', 'Ready,SchedulingDisabled', '<none>', '400d', 'v1.36.2', '10.20.0.5']), row(null, 'node-2', ['node-2', 'NotReady', '<none>', '23d', 'v1.36.2', '10.20.0.6'])] };
    case 'deployments.apps':
      return { columns: [column('Name'), column('Ready'), column('Up-to-date', number), column('Available', number), column('Age'), column('Containers', wide), column('Images', wide), column('Selector', wide)], rows: APPS.map(([namespace, app], index) => row(namespace, app, [app, index === 1 ? '1/3' : '3/3', 3, index === 1 ? 1 : 3, AGES[index % 7]!, app, `registry.example.net/${app}:1.${index}`, `app=${app}`])) };
    case 'secrets':
      return { columns: [column('Name'), column('Type'), column('Data', number), column('Age')], rows: [row('payments', 'ledger-db', ['ledger-db', 'Opaque', 2, '23d']), row('shop', 'tls-shop', ['tls-shop', 'kubernetes.io/tls', 2, '9d'])] };
    case 'services':
      return { columns: [column('Name'), column('Type'), column('Cluster-IP'), column('External-IP'), column('Port(s)'), column('Age'), column('Selector', wide)], rows: APPS.map(([namespace, app], index) => row(namespace, app, [app, 'ClusterIP', `10.43.0.${index + 10}`, '<none>', '8080/TCP', AGES[index % 7]!, `app=${app}`])), note: { en: 'not shown, because you may not list services there: vault', zh: '未显示（您无权在其中列出 services）：vault' } };
    default:
      return { columns: [column('Name'), column('Age')], rows: [] };
  }
}

const forbidden = (what: string): UiFault => ({ ...fault('denied', 'cluster_forbidden', { en: `the cluster staging forbids user "mira" to list ${what}`, zh: `集群 staging 不允许用户“mira”执行：list ${what}` }, { en: 'Ask whoever runs the cluster for the role.', zh: '请向集群管理员申请相应角色。' }), params: { verb: 'list', resource: what, namespace: 'default', user: 'mira' } });

export function kinds(cluster: string): KubeKindsView {
  if (cluster === 'cl-lab') throw DOWN;
  return { kinds: KINDS, missing: cluster === 'cl-prod' ? [{ apiVersion: 'metrics.k8s.io/v1beta1', why: { en: 'the API behind it does not answer the server', zh: '其背后的 API 未应答服务器' } }] : [] };
}

export function table(req: Req<'kube_table'>, many: boolean, say: Say): { parts: number; place: string | null } {
  if (req.cluster === 'cl-lab') throw DOWN;
  if (req.cluster === 'cl-stage' && (req.kind === 'secrets' || req.namespace === null)) throw forbidden(req.kind);
  let parts = 0;
  const tell: Say = (part) => {
    parts += 1;
    say(part);
  };
  const found = KINDS.find((one) => one.name === req.kind)!;
  const all = req.kind === 'events' ? events(req.fields ?? '') : drawn(req.kind, many);
  const app = /^app=(.+)$/.exec(req.labels ?? '')?.[1];
  const node = /^spec\.nodeName=(.+)$/.exec(req.fields ?? '')?.[1];
  const its = (one: KubeRowView) => (found.namespaced && req.namespace !== null ? one.namespace === req.namespace : true) && (app === undefined || one.name.startsWith(app)) && (node === undefined || one.cells.includes(node));
  const rows = all.rows.filter(its);
  tell({ part: 'head', kind: found, columns: all.columns });
  for (let at = 0; at < rows.length; at += 500) tell({ part: 'rows', rows: rows.slice(at, at + 500) });
  if (all.note && req.namespace === null) tell({ part: 'note', note: all.note });
  return { parts, place: '1000' };
}

type Watching = { req: Req<'kube_watch'>; say: (part: KubeWatchPart) => void; end: (why: UiFault) => void };
const watching = new Map<string, Watching>();

/** Open until it is given up. */
export function watch(req: Req<'kube_watch'>, say: (part: KubeWatchPart) => void): Promise<Record<string, never>> {
  if (req.kind === 'services') throw { ...forbidden('services'), params: { verb: 'watch', resource: 'services', namespace: null, user: 'mira' } };
  say({ part: 'live' });
  return new Promise((_, end) => watching.set(req.ask, { req, say, end }));
}

export function cancel(id: string): Record<string, never> {
  watching.get(id)?.end(fault('cancelled', 'given_up', { en: 'the cluster was not waited for: it was cancelled', zh: '未等待集群应答：已取消' }, { en: '', zh: '' }));
  watching.delete(id);
  return {};
}

/** The cluster changes: whoever watches that kind is told. */
export function happen(kind: string, ...parts: KubeWatchPart[]): number {
  const who = [...watching.values()].filter((one) => one.req.kind === kind);
  for (const one of who) for (const part of parts) one.say(part);
  return who.length;
}

export function counts(req: Req<'kube_counts'>, many: boolean): KubeCountView[] {
  const here = (name: string) => drawn(name, many).rows.filter((one) => req.namespace === null || one.namespace === null || one.namespace === req.namespace).length;
  return req.kinds.map((name) => ({ kind: name, count: req.cluster === 'cl-stage' && name === 'secrets' ? null : here(name), atLeast: false }));
}

function events(fields: string): Drawn {
  if (!fields.includes('ledger')) return { columns: EVENTS, rows: [] };
  return {
    columns: EVENTS,
    rows: [
      row('payments', 'e-2', ['6m', 'Normal', 'Pulled', 'pod/ledger', 'spec.containers{ledger}', 'kubelet, node-0', 'Container image "registry.example.net/ledger:1.0" already present on machine', '3h', 14, 'e-2']),
      row('payments', 'e-1', ['118s', 'Warning', 'BackOff', 'pod/ledger', 'spec.containers{ledger}', 'kubelet, node-0', 'Back-off restarting failed container ledger in pod ledger', '3h', 42, 'e-1']),
    ],
  };
}

/** Pods of two namespaces are measured; `cl-stage` has no metrics API. */
export function usage(req: Req<'kube_usage'>, now: number): KubeUsageView[] {
  if (req.cluster === 'cl-stage') throw fault('config', 'no_metrics', { en: 'the cluster staging does not measure what is used: it has no metrics API', zh: '集群 staging 不测量用量：没有 metrics API' }, { en: 'Install metrics-server there.', zh: '请在其中安装 metrics-server。' });
  const at = new Date(now - 12_000).toISOString();
  const names = req.namespace === null ? ['node-0', 'node-1'] : drawn('pods', false).rows.filter((one) => one.namespace === req.namespace).map((one) => one.name);
  return names.map((name, index) => ({ name, cpuCores: req.namespace === null ? 1.27 + index : 0.182, memoryBytes: req.namespace === null ? 6.4e9 : 241_172_480, at }));
}

export function object(req: Req<'kube_object'>, now: number): KubeObjectView {
  const found = KINDS.find((one) => one.name === req.kind)!;
  const gone = drawn(req.kind, false).rows.every((one) => one.name !== req.name || (found.namespaced && one.namespace !== req.namespace));
  if (gone) throw fault('not_found', 'no_such_object', { en: `could not get ${req.kind} "${req.name}": it is not in the cluster prod-eu`, zh: `无法执行 get ${req.kind} “${req.name}”：集群 prod-eu 中不存在` }, { en: 'Look at the namespace and the spelling.', zh: '请检查命名空间和拼写。' });
  const at = (ago: number) => new Date(now - ago).toISOString();
  const app = req.name.split('-')[0]!;
  const metadata = { name: req.name, ...(req.namespace === null ? {} : { namespace: req.namespace }), uid: `5f2c-${req.name}`, creationTimestamp: at(9 * 86_400_000), labels: { app, 'app.kubernetes.io/part-of': 'shop' } };
  if (req.kind === 'secrets') {
    const whole = { apiVersion: 'v1', kind: 'Secret', metadata, type: 'Opaque', data: { password: '******', username: '******' } };
    return { object: whole, yaml: `apiVersion: v1\nkind: Secret\nmetadata:\n  name: ${req.name}\n  namespace: ${req.namespace}\ntype: Opaque\ndata:\n  password: "******"\n  username: "******"\n` };
  }
  if (req.kind === 'nodes') {
    const whole = { apiVersion: 'v1', kind: 'Node', metadata: { ...metadata, labels: { 'node-role.kubernetes.io/control-plane': '' } }, spec: { unschedulable: req.name === 'node-1', taints: [{ key: 'dedicated', value: 'infra', effect: 'NoSchedule' }] }, status: { nodeInfo: { kubeletVersion: 'v1.36.2', osImage: 'Debian GNU/Linux 12', kernelVersion: '6.1.0', containerRuntimeVersion: 'containerd://2.1.4', architecture: 'amd64' }, capacity: { cpu: '4', memory: '16Gi', pods: '110' }, allocatable: { cpu: '3800m', memory: '15Gi', pods: '110' }, conditions: [{ type: 'Ready', status: 'True', reason: 'KubeletReady', message: '', lastTransitionTime: at(3_600_000) }] } };
    return { object: whole, yaml: `apiVersion: v1\nkind: Node\nmetadata:\n  name: ${req.name}\n` };
  }
  if (req.kind === 'deployments.apps') {
    const template = { metadata: { labels: { app } }, spec: { containers: [{ name: app, image: `registry.example.net/${app}:1.0` }] } };
    const whole = { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { ...metadata, generation: 4 }, spec: { replicas: 3, strategy: { type: 'RollingUpdate' }, selector: { matchLabels: { app } }, template }, status: { observedGeneration: 4, replicas: 3, updatedReplicas: 1, readyReplicas: 2, availableReplicas: 2, conditions: [{ type: 'Available', status: 'True', reason: 'MinimumReplicasAvailable', message: '', lastTransitionTime: at(3_600_000) }] } };
    return { object: whole, yaml: `apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: ${req.name}\n` };
  }
  if (req.kind !== 'pods') {
    const labels = { app };
    const spec: Json =
      req.kind === 'deployments.apps'
        ? { selector: { matchLabels: labels }, template: { metadata: { labels }, spec: { containers: [{ name: app, image: `registry.example.net/${app}:1.0`, ports: [{ name: 'http', containerPort: 8080 }] }, { name: 'proxy', image: 'registry.example.net/proxy:2.3' }] } } }
        : req.kind === 'services'
          ? { selector: labels, ports: [{ name: 'web', port: 80 }] }
          : {};
    const whole = { apiVersion: found.apiVersion, kind: found.kind, metadata, spec, status: { phase: 'Active', conditions: [{ type: 'Available', status: 'True', reason: 'MinimumReplicasAvailable', message: '', lastTransitionTime: at(3_600_000) }] } };
    return { object: whole, yaml: `apiVersion: ${found.apiVersion}\nkind: ${found.kind}\nmetadata:\n  name: ${req.name}\nstatus:\n  phase: Active\n` };
  }
  const image = `registry.example.net/${app}:1.0`;
  const whole: Json = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { ...metadata, annotations: { 'example.net/trace': 'on', 'kubectl.kubernetes.io/last-applied-configuration': `{"apiVersion":"v1","kind":"Pod","metadata":{"annotations":{},"name":"${req.name}"},"spec":{"containers":[{"image":"${image}","name":"${app}","resources":{"limits":{"memory":"256Mi"}}}]}}` }, ownerReferences: [{ apiVersion: 'apps/v1', kind: 'Deployment', name: app, uid: '1', controller: true }] },
    spec: { nodeName: 'node-0', serviceAccountName: app, initContainers: [{ name: 'migrate', image }], containers: [{ name: app, image, resources: { requests: { cpu: '250m', memory: '256Mi' }, limits: { cpu: '1', memory: '512Mi' } } }, { name: 'proxy', image: 'registry.example.net/proxy:2.3' }] },
    status: {
      phase: 'Running',
      podIP: '10.42.1.17',
      conditions: [
        { type: 'Ready', status: 'False', reason: 'ContainersNotReady', message: `containers with unready status: [${app}]`, lastTransitionTime: at(120_000) },
        { type: 'PodScheduled', status: 'True', reason: '', message: '', lastTransitionTime: at(9 * 86_400_000) },
        { type: 'MemoryPressure', status: 'False', reason: '', message: '', lastTransitionTime: at(9 * 86_400_000) },
      ],
      initContainerStatuses: [{ name: 'migrate', ready: true, restartCount: 0, state: { terminated: { reason: 'Completed', exitCode: 0 } } }],
      containerStatuses: [
        { name: app, ready: false, restartCount: 14, state: { waiting: { reason: 'CrashLoopBackOff', message: `back-off 5m0s restarting failed container=${app}` } } },
        { name: 'proxy', ready: true, restartCount: 0, state: { running: { startedAt: at(9 * 86_400_000) } } },
      ],
    },
  };
  return {
    object: whole,
    yaml: `apiVersion: v1\nkind: Pod\nmetadata:\n  name: ${req.name}\n  namespace: ${req.namespace}\n  labels:\n    app: ${app}\n  annotations:\n    example.net/trace: "on"\nspec:\n  nodeName: node-0\n  containers:\n  - name: ${app}\n    image: ${image}\n    args: ["--listen", "0.0.0.0:8080"]\n    command:\n    - sh\n    - -c\n    - |\n      # waits for its database\n      until nc -z db 5432; do sleep 1; done\n      exec /app\n    resources:\n      limits:\n        memory: 256Mi\n  - name: proxy\n    image: registry.example.net/proxy:2.3\nstatus:\n  phase: Running\n  podIP: 10.42.1.17\n`,
  };
}

export const REVISIONS: KubeRevisionView[] = [
  { revision: 7, madeAt: '2026-09-01T10:00:00Z', changeCause: null, images: ['registry.example.net/checkout:2.4'], current: true },
  { revision: 6, madeAt: '2026-08-20T10:00:00Z', changeCause: 'release 2.3', images: ['registry.example.net/checkout:2.3'], current: false },
];

/** Every act is done at once; draining says its steps. */
export function act(req: Req<'kube_act'>, say: (message: KubeActStep) => void): KubeActRes {
  if (req.act.do === 'drain' && !req.act.force) throw fault('denied', 'drain_refused', { en: `the node ${req.name} was left alone: payments/job: no controller would make it again`, zh: `未对节点 ${req.name} 作任何更改：payments/job：没有控制器会重建它` }, { en: 'Move these pods, or say that they may be lost.', zh: '请先迁移这些 Pod，或明确允许丢失。' });
  if (req.act.do === 'drain') say({ text: '1/1 payments/job: evicted' });
  return { changed: true, undoId: 'c0ffee', auditId: '0a1b2c3d', warnings: [] };
}
