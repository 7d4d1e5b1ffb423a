/** A cluster that can be rehearsed on, and drafts: small, but it behaves. What was not rehearsed is not applied, and what was can be taken back. */
import type { Json, UiFault, WbAction, WbChangeView, WbConflictView, WbDraftView, WbObject, WbOutlineView, WbPastView, WbProblemView, WbRehearsalView, WbRuleView, WbTemplateView } from '../bindings';
import type { Message, Name, Req, Res } from '../wire';
import { fault } from './world';

type Wb = Extract<Name, `wb_${string}`>;
export type BenchHandlers = { [K in Wb]: (req: Req<K>, say: (message: Message<K>) => void) => Res<K> | Promise<Res<K>> };

type Version = { version: number; savedAt: number; text: string };
type Kept = WbPastView & { before: Map<string, string | null> };

/** What the fake holds; tests look at it and turn its screws. */
export type BenchWorld = {
  live: Map<string, string>;
  changes: Kept[];
  drafts: Map<string, WbDraftView & { all: Version[] }>;
  files: Map<string, string>;
  /** The file that the system's dialog chooses; null when it is closed. */
  chosen: string | null;
  /** How long a rehearsal lasts (ms). */
  lasts: number;
  /** Objects that somebody changes after they were applied. */
  meddled: boolean;
  levels: Map<string, WbRuleView['level']>;
};

const MIN = 60_000;

const DEPLOYMENT = `apiVersion: apps/v1
kind: Deployment
metadata:
  name: ledger
  namespace: payments
  labels:
    app: ledger
spec:
  replicas: 3
  selector:
    matchLabels:
      app: ledger
  template:
    metadata:
      labels:
        app: ledger
    spec:
      containers:
      - name: ledger
        image: registry.example.net/ledger:1.0
        ports:
        - name: http
          containerPort: 8080
        resources:
          requests:
            cpu: 100m
            memory: 128Mi
          limits:
            memory: 256Mi
        readinessProbe:
          httpGet:
            path: /ready
            port: http
`;

const SECRET = `apiVersion: v1
kind: Secret
metadata:
  name: ledger-db
  namespace: payments
type: Opaque
data:
  password: '******'
  username: '******'
`;

const keyOf = (object: Pick<WbObject, 'kind' | 'name'>) => `${object.kind}/${object.name}`;

export function benchWorld(now: number, mode: string): BenchWorld {
  const world: BenchWorld = { live: new Map([['Deployment/ledger', DEPLOYMENT], ['Secret/ledger-db', SECRET]]), changes: [], drafts: new Map(), files: new Map([['/home/mira/work/ledger.yaml', DEPLOYMENT]]), chosen: '/home/mira/work/ledger.yaml', lasts: 15 * MIN, meddled: false, levels: new Map() };
  if (mode === 'empty') return world;
  const object = (kind: string, name: string): WbObject => ({ apiVersion: kind === 'Deployment' ? 'apps/v1' : 'v1', kind, namespace: 'payments', name });
  world.changes = [
    { id: 'chg-2', cluster: 'cl-prod', appliedAt: now - 26 * MIN, state: 'applied', confirmUntil: null, trouble: null, objects: [{ action: 'change', object: object('Deployment', 'ledger'), applied: true }, { action: 'create', object: object('ConfigMap', 'ledger-flags'), applied: true }], before: new Map([['Deployment/ledger', DEPLOYMENT.replace('ledger:1.0', 'ledger:0.9')], ['ConfigMap/ledger-flags', null]]) },
    { id: 'chg-1', cluster: 'cl-stage', appliedAt: now - 27 * 60 * MIN, state: 'undone', confirmUntil: null, trouble: null, objects: [{ action: 'change', object: object('Deployment', 'cart'), applied: true }], before: new Map() },
  ];
  world.drafts.set('draft-1', { id: 'draft-1', name: 'Deployment/cart', cluster: 'cl-stage', namespace: 'shop', updatedAt: now - 3 * 60 * MIN, versions: 2, all: [{ version: 1, savedAt: now - 4 * 60 * MIN, text: DEPLOYMENT.replaceAll('ledger', 'cart').replace('replicas: 3', 'replicas: 1') }, { version: 2, savedAt: now - 3 * 60 * MIN, text: DEPLOYMENT.replaceAll('ledger', 'cart') }] });
  return world;
}

/** The documents of a text, by what their lines say. */
export function outlineOf(text: string): WbOutlineView[] {
  const lines = text.split('\n');
  const parts: WbOutlineView[] = [];
  let from = 0;
  const close = (to: number) => {
    const own = lines.slice(from, to);
    if (own.some((line) => line.trim() !== '' && !line.startsWith('#') && line !== '---')) {
      const top = (key: string) => own.map((line) => new RegExp(`^${key}:\\s*["']?([^"'\\s#]+)`).exec(line)?.[1]).find(Boolean) ?? '';
      const meta = own.slice(own.findIndex((line) => line.startsWith('metadata:')) + 1);
      const inner = (key: string) => meta.map((line) => new RegExp(`^ {2}${key}:\\s*["']?([^"'\\s#]+)`).exec(line)?.[1]).find(Boolean) ?? null;
      parts.push({ document: parts.length + 1, line: from + 1, endLine: to, apiVersion: top('apiVersion'), kind: top('kind'), namespace: inner('namespace'), name: inner('name') });
    }
    from = to;
  };
  lines.forEach((line, at) => {
    if (line === '---' && at > from) close(at);
  });
  close(lines.length);
  return parts;
}

const linesOf = (text: string, part: WbOutlineView) => text.split('\n').slice(part.line - 1, part.endLine).join('\n').replace(/^---\n/, '');

export const RULES: Omit<WbRuleView, 'level'>[] = [
  { id: 'schema.unknown', usual: 'block', adjustable: false, about: { en: 'A field that the kind does not have.', zh: '该类型没有的字段。' } },
  { id: 'lint.image-tag', usual: 'warn', adjustable: true, about: { en: 'An image without a tag, or with latest: nobody knows what runs.', zh: '镜像没有标签或使用 latest：无法确定运行的版本。' } },
  { id: 'lint.probes', usual: 'off', adjustable: true, about: { en: 'A container without a readiness probe gets traffic before it is ready.', zh: '没有就绪探针的容器会在就绪前收到流量。' } },
];

function problemsOf(text: string, world: BenchWorld, cluster: string | null): WbProblemView[] {
  const found: WbProblemView[] = [];
  const outline = outlineOf(text);
  const of = (line: number) => outline.find((part) => line >= part.line && line <= part.endLine)?.document ?? 1;
  text.split('\n').forEach((raw, at) => {
    const line = at + 1;
    const typo = /^(\s*)(replicsa|imagee)(?=:)/.exec(raw);
    if (typo) {
      const right = typo[2] === 'imagee' ? 'image' : 'replicas';
      found.push({ document: of(line), line, column: typo[1]!.length + 1, endLine: line, endColumn: typo[0].length + 1, severity: 'error', rule: 'schema.unknown', path: `spec.${typo[2]}`, message: { en: `there is no field ${typo[2]} here`, zh: `此处没有字段 ${typo[2]}` }, allowed: [right, 'selector', 'template'], fix: { label: { en: `Change to ${right}`, zh: `改为 ${right}` }, document: of(line), path: `spec.${typo[2]}`, edit: { rename: right } } });
    }
    const level = (cluster && world.levels.get('lint.image-tag')) || 'warn';
    const latest = /^(\s*(?:- )?image:\s*)(\S+:latest)/.exec(raw);
    if (latest && level !== 'off')
      found.push({ document: of(line), line, column: latest[1]!.length + 1, endLine: line, endColumn: latest[0].length + 1, severity: level === 'block' ? 'error' : 'warning', rule: 'lint.image-tag', path: 'spec.template.spec.containers[0].image', message: { en: 'latest says nothing about what runs', zh: 'latest 无法说明运行的版本' }, allowed: [], fix: null });
    if (raw.startsWith('\t')) found.push({ document: of(line), line, column: 1, endLine: line, endColumn: 2, severity: 'error', rule: 'yaml.syntax', path: '', message: { en: 'a tab cannot indent YAML', zh: 'YAML 不能用制表符缩进' }, allowed: [], fix: null });
  });
  return found;
}

const valueOf = (text: string, key: string): string | null => new RegExp(`^\\s*(?:- )?${key}:\\s*(\\S+)`, 'm').exec(text)?.[1] ?? null;

function changeOf(part: WbOutlineView, text: string, live: string | null, namespace: string | null): WbChangeView {
  const object: WbObject = { apiVersion: part.apiVersion, kind: part.kind, namespace: part.namespace ?? namespace, name: part.name! };
  const after = text.trimEnd() + '\n';
  const action: WbAction = live === null ? 'create' : live.trim() === after.trim() ? 'unchanged' : 'change';
  const fields = ['replicas', 'image'].flatMap((key) => {
    const [before, now] = [live === null ? null : valueOf(live, key), valueOf(after, key)];
    const typed = (value: string | null): Json => (value !== null && /^\d+$/.test(value) ? Number(value) : value);
    return before === now ? [] : [{ path: key === 'image' ? `spec.template.spec.containers[name=${part.name}].image` : `spec.${key}`, before: typed(before), after: typed(now) }];
  });
  const diff = action === 'unchanged' ? '' : [`@@ ${part.kind}/${part.name} @@`, ...fields.flatMap((one) => [...(one.before === null ? [] : [`-${String(one.before)}`]), `+${String(one.after)}`])].join('\n');
  const adjusted = /\bcpu: 0\.5\b/.test(after) ? [{ path: 'spec.template.spec.containers[0].resources.requests.cpu', before: 0.5, after: '500m' }] : [];
  return { action, object, diff, extent: 'whole', before: live, after, fields, adjusted };
}

export function benchHandlers(world: BenchWorld, tell: (tag: 'changes' | 'drafts') => void, wait: (ms: number) => Promise<void>): BenchHandlers {
  const rehearsals = new Map<string, { text: string; view: WbRehearsalView }>();
  let ids = 10;
  const digestOf = (req: Req<'wb_rehearse'> | Req<'wb_apply'>) => {
    let hash = 7;
    for (const letter of JSON.stringify([req.text, req.cluster, req.namespace, [...req.takeOver].sort(), ...world.live.values()])) hash = (hash * 31 + letter.charCodeAt(0)) >>> 0;
    return hash.toString(16).padStart(8, '0').repeat(8);
  };
  const refuse = (code: string, en: string, zh: string): UiFault => fault('denied', code, { en, zh }, { en: 'Rehearse again, look at it, and apply.', zh: '请重新排演、查看结果，再应用。' });
  const restore = (kept: Kept) => {
    for (const [key, before] of kept.before)
      if (before === null) world.live.delete(key);
      else world.live.set(key, before);
  };
  const past = ({ before: _, ...view }: Kept): WbPastView => view;
  const kept = (id: string): Kept => {
    const found = world.changes.find((one) => one.id === id);
    if (!found) throw fault('not_found', 'no_such_change', { en: `There is no change ${id}.`, zh: `没有更改 ${id}。` }, { en: '', zh: '' });
    return found;
  };
  return {
    wb_check: (req) => {
      const problems = problemsOf(req.text, world, req.cluster);
      const outline = outlineOf(req.text);
      return { ok: !problems.some((one) => one.severity === 'error'), version: req.version ?? '1.36', objects: outline.filter((part) => part.kind && part.name).length, outline, problems };
    },
    wb_fix: (req) => {
      const wrong = req.path.split('.').at(-1)!;
      const from = req.text.indexOf(`${wrong}:`);
      const right = (req.edit as { rename: string }).rename;
      return { edits: from < 0 ? [] : [{ from, to: from + wrong.length, insert: right }] };
    },
    wb_complete: (req) => {
      const line = req.text.split('\n')[req.line - 1] ?? '';
      const word = /[\w-]*$/.exec(line.slice(0, req.column - 1))![0];
      const at = req.text.split('\n').slice(0, req.line - 1).reduce((sum, one) => sum + one.length + 1, 0) + req.column - 1;
      const item = (label: string, type: string, about: string, required = false) => ({ label, insert: `${label}: `, kind: 'key' as const, type, required, about, deprecated: false });
      const items = [item('selector', 'object', 'Which pods belong to it.', true), item('replicas', 'integer', 'How many pods are wanted. Usually 1.'), item('paused', 'boolean', 'Whether changes wait.')];
      return { from: at - word.length, to: at, items: items.filter((one) => one.label.startsWith(word)) };
    },
    wb_hover: (req) => {
      const lines = req.text.split('\n');
      const hit = /^(\s*(?:- )?)([\w-]+):/.exec(lines[req.line - 1] ?? '');
      if (!hit) return { hover: null };
      const from = lines.slice(0, req.line - 1).reduce((sum, one) => sum + one.length + 1, 0) + hit[1]!.length;
      return { hover: { path: hit[2]!, type: 'string', required: hit[2] === 'selector', about: `What ${hit[2]} says.`, allowed: [], from, to: from + hit[2]!.length } };
    },
    wb_format: (req) => {
      if (req.text.includes('\t')) throw fault('usage', 'format_refused', { en: 'This text cannot be formatted: it cannot be read (line 1).', zh: '无法整理此文本：无法读取（第 1 行）。' }, { en: 'Mend its errors first.', zh: '请先修正错误。' });
      return { text: req.text.replace(/[ \t]+$/gm, '').replace(/\n*$/, '\n') };
    },
    wb_versions: () => ({ versions: ['1.33', '1.34', '1.35', '1.36'], newest: '1.36' }),
    wb_templates: (): WbTemplateView[] => [
      { id: 'deployment', title: { en: 'Web application', zh: 'Web 应用' }, about: { en: 'Deployment and Service, with probes and limits.', zh: 'Deployment 与 Service，含探针与限额。' }, text: `${DEPLOYMENT.replaceAll('ledger', 'web').replace('  namespace: payments\n', '')}---\napiVersion: v1\nkind: Service\nmetadata:\n  name: web\nspec:\n  selector:\n    app: web\n  ports:\n  - port: 80\n    targetPort: http\n` },
      { id: 'configmap', title: { en: 'Settings', zh: '配置' }, about: { en: 'A ConfigMap.', zh: '一个 ConfigMap。' }, text: 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: settings\ndata:\n  greeting: hello\n' },
    ],
    wb_rules: (req) => RULES.map((one) => ({ ...one, level: (req.cluster && world.levels.get(one.id)) || one.usual })),
    wb_rule_set: (req) => {
      if (req.level === null) world.levels.delete(req.id);
      else world.levels.set(req.id, req.level);
      return {};
    },
    wb_live: (req) => outlineOf(req.text).map((part) => ({ document: part.document, yaml: world.live.get(`${part.kind}/${part.name}`) ?? null })),
    wb_rehearse: (req) => {
      const parts = outlineOf(req.text).filter((part) => part.kind && part.name);
      const changes = parts.map((part) => changeOf(part, linesOf(req.text, part), world.live.get(`${part.kind}/${part.name}`) ?? null, req.namespace));
      // The autoscaler of `ledger` sets its replicas.
      const conflicts = changes.flatMap((one): WbConflictView[] => {
        const moved = one.action === 'change' && one.object.name === 'ledger' && one.fields.some((field) => field.path === 'spec.replicas');
        return moved ? [{ object: one.object, path: '.spec.replicas', manager: 'kube-controller-manager', takenOver: req.takeOver.includes(`${one.object.kind}/${one.object.name}:.spec.replicas`) }] : [];
      });
      const view: WbRehearsalView = {
        digest: digestOf(req),
        expiresAt: Date.now() + world.lasts,
        changes,
        conflicts,
        undoneBy: conflicts.map((one) => ({ object: one.object, path: 'spec.replicas', by: 'HorizontalPodAutoscaler ledger' })),
        warnings: req.text.includes('extensions/v1beta1') ? [{ en: 'extensions/v1beta1 is gone since 1.22', zh: 'extensions/v1beta1 自 1.22 起已移除' }] : [],
      };
      rehearsals.set(view.digest, { text: req.text, view });
      return view;
    },
    wb_apply: async (req) => {
      const found = rehearsals.get(req.digest);
      if (!found || found.text !== req.text || digestOf(req) !== req.digest) throw refuse('rehearsal_stale', 'nothing was changed: what was approved is not what would happen now', '未作任何更改：批准的内容与现在会发生的不一致');
      if (found.view.expiresAt <= Date.now()) throw refuse('rehearsal_expired', 'nothing was changed: this rehearsal is older than fifteen minutes', '未作任何更改：该排演已超过十五分钟');
      if (found.view.conflicts.some((one) => !one.takenOver)) throw refuse('field_conflict', 'nothing was changed: somebody else manages .spec.replicas', '未作任何更改：.spec.replicas 由他人管理');
      await wait(400);
      const moved = found.view.changes.filter((one) => one.action !== 'unchanged');
      const id = `chg-${ids++}`;
      const revertAt = req.confirmWithin === null ? null : Date.now() + req.confirmWithin * 1000;
      const objects = moved.map((one) => ({ action: one.action, object: one.object, applied: true }));
      world.changes = [{ id, cluster: req.cluster, appliedAt: Date.now(), state: revertAt === null ? 'applied' : 'waiting', confirmUntil: revertAt, trouble: null, objects, before: new Map(moved.map((one) => [keyOf(one.object), one.before])) }, ...world.changes];
      for (const one of moved) world.live.set(keyOf(one.object), one.after!);
      rehearsals.delete(req.digest);
      tell('changes');
      return { applied: objects, undoId: id, revertAt, warnings: [] };
    },
    wb_rollout: async (req, say) => {
      const live = world.live.get(keyOf(req.object)) ?? '';
      const wanted = Number(valueOf(live, 'replicas') ?? '1');
      const image = valueOf(live, 'image') ?? '';
      const base = { state: 'progressing', wanted, updated: 1, ready: wanted - 1, message: { en: `1 of ${wanted} pods is of the new version`, zh: `${wanted} 个 Pod 中有 1 个为新版本` }, reasons: [] };
      say(base);
      await wait(900);
      if (image.includes('broken')) return { ...base, state: 'failed', message: { en: 'it does not come up: the image cannot be pulled', zh: '无法就绪：镜像拉取失败' }, reasons: [{ pod: `${req.object.name}-7d9f-x2x`, container: req.object.name, reason: 'ImagePullBackOff', message: `Back-off pulling image "${image}": not found` }] };
      return { state: 'done', wanted, updated: wanted, ready: wanted, message: { en: 'it is up', zh: '已就绪' }, reasons: [] };
    },
    wb_changes: () => world.changes.map(past),
    wb_undo: (req) => {
      const found = kept(req.id);
      if (world.meddled && !req.force) throw fault('denied', 'undo_refused', { en: 'nothing was taken back: somebody changed Deployment/ledger (payments) since: spec.replicas', zh: '未作撤销：此后有人修改了 Deployment/ledger（payments）：spec.replicas' }, { en: 'Look at what changed, or undo anyway.', zh: '请查看改动，或强制撤销。' });
      restore(found);
      world.changes = world.changes.map((one) => (one.id === req.id ? { ...one, state: 'undone', confirmUntil: null } : one));
      tell('changes');
      return { id: req.id, undone: found.objects.map(({ object }) => ({ object, action: 'restore', fields: [], changedSince: [] })) };
    },
    wb_confirm: (req) => {
      const found = kept(req.id);
      const next: Kept = { ...found, state: 'applied', confirmUntil: null };
      world.changes = world.changes.map((one) => (one.id === req.id ? next : one));
      tell('changes');
      return past(next);
    },
    wb_draft_list: () => [...world.drafts.values()].map(({ all: _, ...view }) => view).sort((a, b) => b.updatedAt - a.updatedAt),
    wb_draft_get: (req) => {
      const found = world.drafts.get(req.id);
      const version = req.version === null ? found?.all.at(-1) : found?.all.find((one) => one.version === req.version);
      if (!found || !version) throw fault('not_found', 'no_such_draft', { en: 'There is no such draft.', zh: '没有该草稿。' }, { en: '', zh: '' });
      return { id: found.id, name: found.name, text: version.text, cluster: found.cluster, namespace: found.namespace, savedAt: version.savedAt, version: version.version };
    },
    wb_draft_save: (req) => {
      const id = req.id ?? `draft-${ids++}`;
      const old = world.drafts.get(id);
      const last = old?.all.at(-1);
      const savedAt = Date.now();
      const all = old && last?.text === req.text ? old.all : [...(old?.all ?? []), { version: (last?.version ?? 0) + 1, savedAt, text: req.text }];
      world.drafts.set(id, { id, name: req.name, cluster: req.cluster, namespace: req.namespace, updatedAt: savedAt, versions: all.length, all });
      tell('drafts');
      return { id, version: all.at(-1)!.version, savedAt };
    },
    wb_draft_versions: (req) => [...(world.drafts.get(req.id)?.all ?? [])].reverse().map((one) => ({ version: one.version, savedAt: one.savedAt, bytes: new TextEncoder().encode(one.text).length })),
    wb_draft_remove: (req) => {
      world.drafts.delete(req.id);
      tell('drafts');
      return {};
    },
    wb_open: () => ({ file: world.chosen === null ? null : { path: world.chosen, text: world.files.get(world.chosen) ?? '' } }),
    wb_save: (req) => {
      const path = req.path ?? world.chosen;
      if (path !== null) world.files.set(path, req.text);
      return { path };
    },
  };
}
