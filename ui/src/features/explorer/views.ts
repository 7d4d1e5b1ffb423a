/** What a person wants to know of a workload or a node beyond its summary, taken from the object itself. Pure; a server may send anything. */
import { isMap, type Json, type JsonMap } from '@/shared/lib/words';

const map = (value: Json | undefined): JsonMap => (isMap(value) ? value : {});
const list = (value: Json | undefined): JsonMap[] => (Array.isArray(value) ? value.filter(isMap) : []);
const text = (value: Json | undefined): string => (typeof value === 'string' ? value : typeof value === 'number' || typeof value === 'boolean' ? String(value) : '');
const count = (value: Json | undefined): number | null => (typeof value === 'number' && Number.isFinite(value) ? value : null);

const SUFFIXES: Record<string, number> = { n: 1e-9, u: 1e-6, m: 1e-3, '': 1, k: 1e3, M: 1e6, G: 1e9, T: 1e12, P: 1e15, E: 1e18, Ki: 2 ** 10, Mi: 2 ** 20, Gi: 2 ** 30, Ti: 2 ** 40, Pi: 2 ** 50, Ei: 2 ** 60 };

/** `500m`, `1Gi`, `2e3`: what it is worth; null for anything else. */
export function worth(value: Json | undefined): number | null {
  const parts = /^([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)([numkMGTPE]|[KMGTPE]i)?$/.exec(text(value));
  return parts ? Number(parts[1]) * SUFFIXES[parts[2] ?? '']! : null;
}

export type Reserve = { cpu: number | null; memory: number | null };

/** What a node has to give. */
export type NodeView = { view: 'node'; roles: string[]; cordoned: boolean; taints: string[]; version: string; os: string; kernel: string; runtime: string; arch: string; capacity: Reserve; allocatable: Reserve; pods: number | null };
/** How far a workload is. */
export type WorkloadView = {
  view: 'workload';
  kind: string;
  /** Wanted, made of the newest template, ready, available: none where the kind does not say. */
  wanted: number | null;
  updated: number | null;
  ready: number | null;
  available: number | null;
  failed: number | null;
  strategy: string;
  schedule: string;
  lastRun: number | null;
  paused: boolean;
  /** Whether the controller has not seen the newest definition yet. */
  unseen: boolean;
  /** Which pods are its; null where nothing tells. */
  pods: string | null;
};
/** What a pod asked for. */
export type PodView = { view: 'pod'; requests: Reserve; limits: Reserve };
export type View = NodeView | WorkloadView | PodView;

/** A selector as one writes it in a query; null for one that selects nothing or cannot be written. */
export function selectorOf(selector: Json | undefined): string | null {
  const own = map(selector);
  const parts = Object.entries(map(own['matchLabels'])).map(([key, value]) => `${key}=${text(value)}`);
  for (const rule of list(own['matchExpressions'])) {
    const key = text(rule['key']);
    const values = Array.isArray(rule['values']) ? rule['values'].map((value) => text(value)) : [];
    const written = { In: `${key} in (${values.join(',')})`, NotIn: `${key} notin (${values.join(',')})`, Exists: key, DoesNotExist: `!${key}` }[text(rule['operator'])];
    if (written === undefined) return null;
    parts.push(written);
  }
  return parts.length === 0 ? null : parts.join(',');
}

const reserve = (from: JsonMap): Reserve => ({ cpu: worth(from['cpu']), memory: worth(from['memory']) });

/** Sums over containers; nothing where none of them says. */
function summed(containers: JsonMap[], what: 'requests' | 'limits'): Reserve {
  const sum = (of: 'cpu' | 'memory'): number | null => {
    const all = containers.map((one) => worth(map(map(one['resources'])[what])[of]));
    // A limit of one container bounds nothing when another has none.
    if (what === 'limits' && all.some((one) => one === null)) return null;
    const known = all.filter((one) => one !== null);
    return known.length === 0 ? null : known.reduce((a, b) => a + b, 0);
  };
  return { cpu: sum('cpu'), memory: sum('memory') };
}

const ROLE = 'node-role.kubernetes.io/';

function node(object: JsonMap): NodeView {
  const [spec, status] = [map(object['spec']), map(object['status'])];
  const info = map(status['nodeInfo']);
  const labels = Object.keys(map(map(object['metadata'])['labels']));
  return {
    view: 'node',
    roles: labels.filter((one) => one.startsWith(ROLE)).map((one) => one.slice(ROLE.length)),
    cordoned: spec['unschedulable'] === true,
    taints: list(spec['taints']).map((one) => `${text(one['key'])}${text(one['value']) && `=${text(one['value'])}`}:${text(one['effect'])}`),
    version: text(info['kubeletVersion']),
    os: text(info['osImage']),
    kernel: text(info['kernelVersion']),
    runtime: text(info['containerRuntimeVersion']),
    arch: text(info['architecture']),
    capacity: reserve(map(status['capacity'])),
    allocatable: reserve(map(status['allocatable'])),
    pods: worth(map(status['allocatable'])['pods']),
  };
}

const GROUPS: Record<string, string> = { Deployment: 'apps/', StatefulSet: 'apps/', DaemonSet: 'apps/', ReplicaSet: 'apps/', Job: 'batch/', CronJob: 'batch/' };

function workload(kind: string, object: JsonMap): WorkloadView {
  const [metadata, spec, status] = [map(object['metadata']), map(object['spec']), map(object['status'])];
  const seen = count(status['observedGeneration']);
  const newest = count(metadata['generation']);
  const job = kind === 'Job';
  const daemon = kind === 'DaemonSet';
  const at = Date.parse(text(status['lastScheduleTime']));
  return {
    view: 'workload',
    kind,
    wanted: job ? (count(spec['completions']) ?? 1) : daemon ? count(status['desiredNumberScheduled']) : kind === 'CronJob' ? null : (count(spec['replicas']) ?? 1),
    updated: daemon ? count(status['updatedNumberScheduled']) : count(status['updatedReplicas']),
    ready: job ? (count(status['succeeded']) ?? 0) : daemon ? (count(status['numberReady']) ?? 0) : kind === 'CronJob' ? null : (count(status['readyReplicas']) ?? 0),
    available: daemon ? count(status['numberAvailable']) : count(status['availableReplicas']),
    failed: job ? count(status['failed']) : null,
    strategy: text(map(spec['strategy'])['type']) || text(map(spec['updateStrategy'])['type']),
    schedule: text(spec['schedule']),
    lastRun: Number.isFinite(at) ? at : null,
    paused: spec['paused'] === true || spec['suspend'] === true,
    unseen: seen !== null && newest !== null && seen < newest,
    pods: kind === 'CronJob' ? null : selectorOf(spec['selector']),
  };
}

export function viewOf(raw: Json): View | null {
  const object = map(raw);
  const kind = text(object['kind']);
  const version = text(object['apiVersion']);
  if (version === 'v1' && kind === 'Node') return node(object);
  if (version === 'v1' && kind === 'Pod') {
    const containers = list(map(object['spec'])['containers']);
    return { view: 'pod', requests: summed(containers, 'requests'), limits: summed(containers, 'limits') };
  }
  const group = GROUPS[kind];
  return group !== undefined && version.startsWith(group) ? workload(kind, object) : null;
}

/** Cores as people say them: `250 m` below one, else `1.5`. */
export const cores = (value: number): string => (value < 1 ? `${Math.round(value * 1000)} m` : String(Math.round(value * 100) / 100));
