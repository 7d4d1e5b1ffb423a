/** The workbench over fixtures: one draft, one template, and a cluster to which nothing was applied. */
import type { Name, Req, Res } from '../wire';

type Own = Extract<Name, `wb_${string}`>;
type Bench = { [K in Own]: (req: Req<K>) => Res<K> };

const AT = 1_795_392_000_000;
const TEXT = 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: settings\ndata:\n  LOG_LEVEL: info\n';
const TITLE = { en: 'ConfigMap', zh: 'ConfigMap' };

/** Handlers of one fake world. */
export function bench(): Bench {
  return {
    wb_check: () => ({ ok: true, version: '1.37', objects: 1, outline: [{ document: 1, line: 1, endLine: 6, apiVersion: 'v1', kind: 'ConfigMap', namespace: null, name: 'settings' }], problems: [] }),
    wb_fix: () => ({ edits: [] }),
    wb_complete: () => ({ from: 0, to: 0, items: [] }),
    wb_hover: () => ({ hover: null }),
    wb_format: ({ text }) => ({ text }),
    wb_versions: () => ({ versions: ['1.34', '1.35', '1.36', '1.37'], newest: '1.37' }),
    wb_templates: () => [{ id: 'configmap', title: TITLE, about: TITLE, text: TEXT }],
    wb_rules: () => [{ id: 'pod-probes', level: 'warn', usual: 'warn', adjustable: true, about: { en: 'Containers of services say when they are ready.', zh: '长期运行的容器设置 readinessProbe。' } }],
    wb_rule_set: () => ({}),
    wb_live: () => [{ document: 1, yaml: null }],
    wb_rehearse: () => ({ digest: '0f', expiresAt: AT + 900_000, changes: [], conflicts: [], undoneBy: [], warnings: [] }),
    wb_apply: () => ({ applied: [], undoId: null, revertAt: null, warnings: [] }),
    wb_rollout: () => ({ state: 'done', wanted: 1, updated: 1, ready: 1, message: { en: 'all pods are ready', zh: '全部就绪' }, reasons: [] }),
    wb_changes: () => [],
    wb_undo: ({ id }) => ({ id, undone: [] }),
    wb_confirm: ({ id }) => ({ id, cluster: 'c1', appliedAt: AT, state: 'applied', objects: [], confirmUntil: null, trouble: null }),
    wb_draft_list: () => [{ id: 'd1', name: 'settings', cluster: null, namespace: null, updatedAt: AT, versions: 1 }],
    wb_draft_get: ({ id }) => ({ id, name: 'settings', text: TEXT, cluster: null, namespace: null, savedAt: AT, version: 1 }),
    wb_draft_save: ({ id }) => ({ id: id ?? 'd1', version: 1, savedAt: AT }),
    wb_draft_versions: () => [{ version: 1, savedAt: AT, bytes: TEXT.length }],
    wb_draft_remove: () => ({}),
    wb_open: () => ({ file: null }),
    wb_save: ({ path }) => ({ path }),
  };
}
