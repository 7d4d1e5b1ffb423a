/** What a person wants to know first of an object, taken from the object itself. Pure; a server may send anything. */
import { isMap, type Json, type JsonMap } from '@/shared/lib/words';

export type Owner = { apiVersion: string; kind: string; name: string };
export type Condition = { type: string; status: string; reason: string; message: string; since: number | null };
export type Container = { name: string; image: string; init: boolean; ready: boolean | null; restarts: number | null; state: string | null; why: string };
export type Summary = {
  kind: string;
  apiVersion: string;
  uid: string;
  created: number | null;
  deleting: number | null;
  labels: [string, string][];
  annotations: [string, string][];
  owners: Owner[];
  conditions: Condition[];
  containers: Container[];
  phase: string;
  node: string;
  address: string;
  account: string;
  /** Whether its values are masked. */
  secret: boolean;
  /** The keys of its values. */
  keys: string[];
  /** Whether it chooses pods by their labels. */
  chooses: boolean;
  /** Ports that it names: by name where it gives one. */
  ports: string[];
};

/** Kinds whose selector chooses the pods that do their work. */
const CHOOSING = new Set(['v1/Service', 'v1/ReplicationController', 'apps/v1/Deployment', 'apps/v1/StatefulSet', 'apps/v1/DaemonSet', 'apps/v1/ReplicaSet', 'batch/v1/Job']);

const map = (value: Json | undefined): JsonMap => (isMap(value) ? value : {});
const list = (value: Json | undefined): JsonMap[] => (Array.isArray(value) ? value.filter(isMap) : []);
const text = (value: Json | undefined): string => (typeof value === 'string' ? value : typeof value === 'number' || typeof value === 'boolean' ? String(value) : '');
const pairs = (value: Json | undefined): [string, string][] => Object.entries(map(value)).map(([key, inner]) => [key, text(inner)]);
const time = (value: Json | undefined): number | null => {
  const at = Date.parse(text(value));
  return Number.isFinite(at) ? at : null;
};

function container(spec: JsonMap, statuses: JsonMap[], init: boolean): Container {
  const name = text(spec['name']);
  const status = statuses.find((one) => text(one['name']) === name);
  const states = map(status?.['state']);
  const state = ['running', 'waiting', 'terminated'].find((one) => isMap(states[one])) ?? null;
  const inner = state ? map(states[state]) : {};
  const code = state === 'terminated' ? text(inner['exitCode']) : '';
  return {
    name,
    image: text(spec['image']),
    init,
    ready: typeof status?.['ready'] === 'boolean' ? status['ready'] : null,
    restarts: typeof status?.['restartCount'] === 'number' ? status['restartCount'] : null,
    state,
    why: [text(inner['reason']), code && `exit ${code}`, text(inner['message'])].filter(Boolean).join(' · '),
  };
}

export function summaryOf(raw: Json): Summary {
  const object = map(raw);
  const metadata = map(object['metadata']);
  const status = map(object['status']);
  const own = map(object['spec']);
  // A Deployment, Job or CronJob holds its pod in a template.
  const pod = Array.isArray(own['containers']) ? own : map((isMap(own['template']) ? map(own['template']) : map(map(map(own['jobTemplate'])['spec'])['template']))['spec']);
  return {
    kind: text(object['kind']),
    apiVersion: text(object['apiVersion']),
    uid: text(metadata['uid']),
    created: time(metadata['creationTimestamp']),
    deleting: time(metadata['deletionTimestamp']),
    labels: pairs(metadata['labels']),
    annotations: pairs(metadata['annotations']),
    owners: list(metadata['ownerReferences']).map((one) => ({ apiVersion: text(one['apiVersion']), kind: text(one['kind']), name: text(one['name']) })),
    conditions: list(status['conditions']).map((one) => ({ type: text(one['type']), status: text(one['status']), reason: text(one['reason']), message: text(one['message']), since: time(one['lastTransitionTime']) })),
    containers: [
      ...list(pod['initContainers']).map((one) => container(one, list(status['initContainerStatuses']), true)),
      ...list(pod['containers']).map((one) => container(one, list(status['containerStatuses']), false)),
    ],
    phase: text(status['phase']),
    node: text(own['nodeName']),
    address: text(status['podIP']) || text(own['clusterIP']),
    account: text(pod['serviceAccountName']),
    secret: text(object['kind']) === 'Secret' && text(object['apiVersion']) === 'v1',
    keys: Object.keys(map(object['data'])),
    chooses: CHOOSING.has(`${text(object['apiVersion'])}/${text(object['kind'])}`) && isMap(own['selector']) && Object.keys(own['selector']).length > 0,
    ports: [
      ...(Array.isArray(own['containers']) ? list(own['containers']) : list(pod['containers'])).flatMap((one) => list(one['ports']).map((port) => text(port['name']) || text(port['containerPort']))),
      ...list(own['ports']).map((port) => text(port['name']) || text(port['port'])),
    ].filter(Boolean),
  };
}

/** Conditions that are good when they are not so. */
const BETTER_NOT = /pressure|unavailable|failure|failed|degraded|stalled|dangling|terminating|overlap|nonstructural|suspended|limited/i;

/** Whether a condition is as one wants it; null where nobody can tell. */
export function well(condition: Condition): boolean | null {
  const good = BETTER_NOT.test(condition.type) ? 'False' : 'True';
  if (condition.status !== 'True' && condition.status !== 'False') return null;
  return condition.status === good;
}
