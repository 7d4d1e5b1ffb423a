/** The same client over fixtures: the whole window in a browser, without a core. `?fake=empty|failed|many|slow`, `&ask=call,start,…`. */
import type { CallDone, ClusterDetail, ImportItem, Json, ServerDetail, ServerForm, ServerView, TestRes, ToolCallEvent, ToolDetail, UiEvent, UiFault } from '../bindings';
import type { Client, Message, Name, Req, Res } from '../wire';
import { answer, contexts, kubeconfigs, UNKNOWN } from './clusters';
import * as kube from './kube';
import { streaming } from './streams';
import { PROTOCOLS } from './protocols';
import { STATES } from './vault';
import { benchHandlers, benchWorld, type BenchWorld } from './workbench';
import { fault, figures, frames, PODS, question, templates, world, type World } from './world';

const LONG = 'The quick brown fox jumps over the lazy dog. '.repeat(9000);
/** 1 × 1 and more: a small blue square as PNG. */
const PICTURE = 'iVBORw0KGgoAAAANSUhEUgAAAAgAAAAICAYAAADED76LAAAAG0lEQVR42mNk+M9Qz0AEYBxVSF+FABJADveWkH6oAAAAAElFTkSuQmCC';

type Options = { delay?: number; ask?: string[]; now?: number; vault?: string };
type Handlers = { [K in Name]: (req: Req<K>, say: (message: Message<K>) => void) => Res<K> | Promise<Res<K>> };

const wait = (ms: number) => new Promise<void>((done) => setTimeout(done, ms));
const isTerminal = (state: string) => ['connected', 'degraded'].includes(state);

export type FakeClient = Client & { world: World; bench: BenchWorld; emit: (event: UiEvent) => void; calls: { name: Name; req: unknown }[]; failNext: (name: Name, why: UiFault) => void };

export const BROKEN = fault('storage', 'database_locked', { en: 'Reading the servers failed: the database is in use by another program.', zh: '读取服务器失败：数据库正被其他程序占用。' }, { en: 'Close other windows of Pilothouse and try again.', zh: '请关闭其他 Pilothouse 窗口后重试。' }, 'a-4410bb92cc01');

export function fakeClient(mode: string, options: Options = {}): FakeClient {
  const started = options.now ?? Date.now();
  const own = world(started, mode);
  const ask = options.ask ?? (typeof window === 'undefined' ? [] : (new URLSearchParams(window.location.search).get('ask') ?? '').split(',').filter(Boolean));
  own.questions = ask.map((kind, index) => ({ ...question(kind, started + index * 1000), id: `q-${index}-${kind}` }));
  const vaultState = options.vault ?? (typeof window === 'undefined' ? null : new URLSearchParams(window.location.search).get('vault'));
  if (vaultState && STATES[vaultState]) own.vault = STATES[vaultState];
  for (const key of ['theme', 'lang']) {
    const kept = typeof localStorage === 'undefined' ? null : localStorage.getItem(`pilothouse.${key}`);
    if (kept) own.prefs[key] = kept;
  }
  const bench = benchWorld(started, mode);
  const listeners = new Set<(event: UiEvent) => void>();
  const cancelled = new Set<string>();
  const once = new Map<Name, UiFault>();
  const calls: { name: Name; req: unknown }[] = [];
  const streams = streaming();
  const delay = options.delay ?? (mode === 'slow' ? 100_000 : 60);
  const emit = (event: UiEvent) => listeners.forEach((hear) => hear(event));

  const row = (id: string): ServerView => {
    const found = own.servers.find((one) => one.id === id);
    if (!found) throw fault('not_found', 'no_such_server', { en: `There is no server ${id}.`, zh: `没有服务器 ${id}。` }, { en: 'It may have been removed. Go back to the list.', zh: '它可能已被移除，请返回列表。' });
    return found;
  };
  const patch = (id: string, change: Partial<ServerView>): ServerView => {
    const next = { ...row(id), ...change };
    own.servers = own.servers.map((one) => (one.id === id ? next : one));
    return next;
  };
  const tool = (server: string, name: string): ToolDetail => {
    const found = own.tools.find((one) => one.view.server === server && one.view.name === name);
    if (!found) throw fault('not_found', 'no_such_tool', { en: `Server ${server} has no tool ${name}.`, zh: `服务器 ${server} 没有工具 ${name}。` }, { en: 'The server may have taken it away; search for it in the list.', zh: '服务器可能已移除该工具，请在列表中重新搜索。' });
    return found;
  };
  const targetOf = (form: ServerForm): string => {
    const s = form.settings;
    const word = (key: string) => (typeof s[key] === 'string' ? s[key] : '');
    if (form.protocol === 'subprocess') return [word('command'), ...(Array.isArray(s['args']) ? s['args'].map(String) : [])].join(' ');
    if (form.protocol === 'local') return `local: filesystem in ${word('root') || '/home/mira/pilothouse'}`;
    return word('url') || word('base_url') || `http://${word('host') || 'localhost'}:${String(s['port'] ?? 80)}${word('path') || '/'}`;
  };
  const settle = (id: string) => {
    setTimeout(() => {
      if (!own.servers.some((one) => one.id === id)) return;
      patch(id, { state: 'connected', since: Date.now(), stale: false, fault: null, nextTryAt: null });
      emit({ event: 'server_state', id, state: 'connected' });
    }, 900);
  };

  const run = async (req: Req<'tool_call'>, say: (event: ToolCallEvent) => void): Promise<CallDone> => {
    const { view } = tool(req.server, req.tool);
    const begun = Date.now();
    const auditId = `a-${req.callId.replace(/-/g, '').slice(0, 12)}`;
    const done = (part: Partial<CallDone>): CallDone => ({ isError: false, content: [], structuredContent: null, auditId, elapsedMs: Math.max(1, Date.now() - begun), misfit: null, cached: false, ...part });
    const text = (value: string): Json => ({ type: 'text', text: value });
    const gone = () => fault('cancelled', 'cancelled', { en: `The call of ${view.name} was cancelled after ${((Date.now() - begun) / 1000).toFixed(1)} s.`, zh: `对 ${view.name} 的调用已取消，历时 ${((Date.now() - begun) / 1000).toFixed(1)} 秒。` }, { en: 'Whether the server stopped its work is up to the server.', zh: '服务器是否已停止工作取决于服务器自身。' }, auditId);
    switch (req.tool) {
      case 'trigger-long-running-operation':
      case 'pods_log': {
        const steps = typeof req.args['steps'] === 'number' ? req.args['steps'] : 8;
        for (let step = 1; step <= steps; step += 1) {
          await wait(delay === 0 ? 5 : 700);
          if (cancelled.has(req.callId)) throw gone();
          say({ type: 'progress', progress: step, total: steps, message: `step ${step} of ${steps}` });
          if (req.tool === 'pods_log') say({ type: 'chunk', data: `2026-11-22T08:4${step % 10}:11Z checkout GET /cart 200 ${step * 3} ms` });
          if (step === 3) say({ type: 'log', level: 'warning', data: 'the cluster answers slowly' });
        }
        return done({ content: [text(req.tool === 'pods_log' ? 'checkout GET /cart 200 12 ms\ncheckout GET /cart 200 9 ms' : `Long running operation completed. Steps: ${steps}.`)] });
      }
      case 'pods_list':
        return done({ content: [text(JSON.stringify({ items: PODS }))], structuredContent: { items: PODS } });
      case 'get-tiny-image':
        return done({ content: [text('Here is the picture:'), { type: 'image', data: PICTURE, mimeType: 'image/png' }, text('<img src="https://evil.example/x.png" onerror="alert(1)"> ![x](https://evil.example/y.png)')] });
      case 'get-resource-links':
        return done({ content: [text('Two resources:'), { type: 'resource_link', uri: 'file:///etc/passwd', name: 'passwd', description: 'Shown as text, never fetched.' }, { type: 'resource_link', uri: 'javascript:alert(1)', name: 'script' }] });
      case 'get-structured-content':
        return done({ content: [text(JSON.stringify({ temperature: 21, conditions: 'Cloudy', humidity: 82 }))], structuredContent: { temperature: 21, conditions: 'Cloudy', humidity: 82 }, misfit: 'humidity: must be a string' });
      case 'get-env':
        return done({ isError: true, content: [text('permission denied')] });
      case 'nodes_list':
        return done({ content: [text(LONG)] });
      case 'echo':
        return done({ content: [text(`Echo: ${String(req.args['message'] ?? '')}`)] });
      case 'fs-list-directory':
        return done({ content: [text(JSON.stringify([{ name: 'README.md', kind: 'file', size: 1843 }, { name: 'manifests', kind: 'folder', size: null }], null, 2))] });
      case 'ssh-asset-list':
        throw row(req.server).fault!;
      default:
        await wait(delay === 0 ? 0 : 300);
        return done({ content: [text(JSON.stringify({ ok: true, tool: req.tool, received: req.args }, null, 2))] });
    }
  };

  const preview = (text: string): { format: { en: string; zh: string }; items: ImportItem[]; warnings: { en: string; zh: string }[] } => {
    let parsed: Json;
    try {
      parsed = JSON.parse(text) as Json;
    } catch (why) {
      throw fault('usage', 'not_json', { en: `The text is not JSON: ${String(why instanceof Error ? why.message : why)}.`, zh: `文本不是合法的 JSON：${String(why instanceof Error ? why.message : why)}。` }, { en: 'Copy the whole file, from the first { to the last }.', zh: '请复制完整文件，从第一个 { 到最后一个 }。' });
    }
    const map = (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed) ? parsed : {}) as Record<string, Json>;
    const list = (map['mcpServers'] ?? map['servers'] ?? map) as Record<string, Record<string, Json>>;
    const entries = typeof map['type'] === 'string' || typeof map['command'] === 'string' ? [[String(map['name'] ?? 'server'), map] as const] : Object.entries(list);
    const items = entries.map(([name, entry]): ImportItem => {
      const program = typeof entry['command'] === 'string';
      const protocol = program ? 'subprocess' : typeof entry['type'] === 'string' ? entry['type'] : 'stream_http';
      const known = own.servers.find((one) => one.name === name);
      const raw = JSON.stringify(entry);
      const unset = [...new Set([...raw.matchAll(/\$\{([A-Z_]+)\}/g)].map((match) => match[1]!))];
      const bad = !program && typeof entry['url'] === 'string' && entry['url'].startsWith('ftp:');
      return {
        name,
        protocol,
        action: bad ? 'refused' : known ? 'change' : 'add',
        target: targetOf({ id: null, name, protocol, enabled: true, settings: entry, lazy: false, idleStopSecs: 0 }),
        startsProgram: program,
        changes: known ? [{ field: 'timeout', before: '30', after: String(entry['timeout'] ?? 60) }] : [],
        fault: bad ? fault('config', 'bad_url', { en: 'The address must begin with http:// or https://.', zh: '地址必须以 http:// 或 https:// 开头。' }, { en: '', zh: '' }) : null,
        unset,
      };
    });
    return { format: map['mcpServers'] ? { en: 'claude_desktop_config.json', zh: 'claude_desktop_config.json' } : { en: 'a single server', zh: '单个服务器' }, items, warnings: [] };
  };

  const handlers: Handlers = {
    app_boot: () => ({ version: '0.1.0', platform: 'linux', user: 'mira', dataDir: '/home/mira/.local/share/pilothouse', prefs: { ...own.prefs }, protocols: PROTOCOLS, notice: own.notice }),
    app_ready: () => ({}),
    prefs_set: (req) => {
      own.prefs[req.key] = req.value;
      return {};
    },
    open_page: () => ({}),
    pick_folder: () => ({ path: '/home/mira/work' }),
    diagnostics: () => ({ text: `pilothouse 0.1.0 linux\nwebkitgtk 2.50.6\nservers ${own.servers.length}\n${own.servers.map((one) => `  ${one.name} ${one.protocol} ${one.state}`).join('\n')}` }),
    server_list: () => own.servers,
    server_get: (req): ServerDetail => {
      const view = row(req.id);
      return {
        view,
        form: own.forms.get(req.id) ?? { id: req.id, name: view.name, protocol: view.protocol, enabled: view.enabled, settings: {}, lazy: false, idleStopSecs: 0 },
        facts: isTerminal(view.state) ? (own.facts.get(req.id) ?? null) : null,
        rejected: req.id === 'srv-prod' ? [{ name: 'x'.repeat(40), reason: 'its input schema points to http://169.254.169.254/, which is never fetched' }] : [],
        review: view.state === 'needs_review' ? view.target : null,
        figures: view.calls > 0 ? figures(req.id.length) : [],
      };
    },
    server_check: (req) => ({ target: targetOf(req) }),
    server_save: (req) => {
      if (own.servers.some((one) => one.name === req.name && one.id !== req.id))
        throw fault('usage', 'name_taken', { en: `A server named ${req.name} is there already.`, zh: `已有名为 ${req.name} 的服务器。` }, { en: 'Choose another name.', zh: '请换一个名称。' });
      const id = req.id ?? `srv-${req.name}-${own.servers.length}`;
      own.forms.set(id, { ...req, id });
      if (req.id) return patch(id, { name: req.name, target: targetOf(req) });
      const view: ServerView = { id, name: req.name, protocol: req.protocol, enabled: req.enabled, state: 'disconnected', since: Date.now(), fault: null, nextTryAt: null, target: targetOf(req), tools: 0, quarantined: 0, stale: false, spark: [], p50Ms: null, p95Ms: null, calls: 0, errors: 0, origin: 'window' };
      own.servers = [...own.servers, view];
      return view;
    },
    server_remove: (req) => {
      own.servers = own.servers.filter((one) => one.id !== req.id);
      own.tools = own.tools.filter((one) => one.view.server !== req.id);
      return {};
    },
    server_enable: (req) => patch(req.id, { enabled: req.enabled, state: req.enabled ? 'disconnected' : 'disabled', since: Date.now(), fault: null }),
    server_duplicate: (req) => {
      const from = row(req.id);
      const id = `${req.id}-copy`;
      const view = { ...from, id, name: `${from.name} copy`, state: 'disconnected', tools: 0, spark: [], calls: 0, since: Date.now() };
      own.servers = [...own.servers, view];
      own.forms.set(id, { ...(own.forms.get(req.id) ?? { protocol: from.protocol, enabled: true, settings: {}, lazy: false, idleStopSecs: 0 }), id, name: view.name });
      return view;
    },
    server_connect: (req) => {
      settle(req.id);
      return patch(req.id, { state: 'connecting', since: Date.now() });
    },
    server_disconnect: (req) => patch(req.id, { state: 'disconnected', since: Date.now(), stale: true }),
    server_accept: (req) => {
      settle(req.id);
      return patch(req.id, { state: 'connecting', since: Date.now(), tools: 2 });
    },
    server_test: async (req): Promise<TestRes> => {
      await wait(delay === 0 ? 0 : 700);
      const target = targetOf(req.form);
      if (JSON.stringify(req.form).includes('refuse'))
        return { ok: false, target, fault: fault('unreachable', 'connect_refused', { en: `Connecting to ${target} failed: the connection was refused.`, zh: `连接 ${target} 失败：连接被拒绝。` }, { en: 'See that something listens on that host and port.', zh: '请确认该主机与端口上有服务在监听。' }, 'a-77ab01'), tools: [], facts: null, elapsedMs: 31, stderr: req.form.protocol === 'subprocess' ? 'Traceback (most recent call last):\n  ModuleNotFoundError: No module named mcp_server' : null };
      return { ok: true, target, fault: null, tools: ['echo', 'get-sum', 'get-tiny-image'], facts: { name: 'example', version: '1.0.0', revision: '2025-11-25', abilities: ['tools'], instructions: null, pid: null }, elapsedMs: 412, stderr: null };
    },
    server_log: (req) => ({ frames: row(req.id).state === 'needs_review' ? [] : frames(started, req.id), stderr: req.id === 'srv-every' ? 'Starting default (STDIO) server...' : '' }),
    server_offers: (req) =>
      req.id === 'srv-every'
        ? {
            resources: Array.from({ length: 6 }, (_, index) => ({ uri: `demo://resource/static/${index + 1}`, name: `Resource ${index + 1}`, mimeType: index % 2 ? 'application/octet-stream' : 'text/plain', size: 120 * (index + 1), description: index === 0 ? 'A plain text.' : null })),
            templates: [{ uriTemplate: 'demo://resource/dynamic/text/{id}', name: 'Text by number', description: 'Any number.' }],
            prompts: [{ name: 'simple-prompt', description: 'A prompt without arguments.' }, { name: 'args-prompt', description: 'A prompt with two.', arguments: [{ name: 'city', description: 'City', required: true }, { name: 'state', description: 'State' }] }] as Json[],
            faults: [],
          }
        : { resources: [], templates: [], prompts: [], faults: req.id === 'srv-staging' ? [fault('protocol', 'method_not_found', { en: 'Listing the prompts of k8s-staging failed: the server knows no prompts/list.', zh: '列出 k8s-staging 的提示词失败：服务器不支持 prompts/list。' }, { en: '', zh: '' })] : [] },
    resource_read: (req) => ({ json: { contents: [{ uri: req.uri, mimeType: 'text/plain', text: `This is ${req.uri}\n<script>alert(1)</script>` }] } }),
    prompt_get: (req) => ({ json: { messages: [{ role: 'user', content: { type: 'text', text: `What is the weather in ${String(req.args['city'] ?? 'the city')}?` } }] } }),
    figures: (req) =>
      own.tools
        .filter((one) => one.view.server === req.server)
        .slice(0, 4)
        .map((one, index) => ({ ...figures(index + 3, one.view.name)[2]!, tool: one.view.name })),
    template_list: () => own.templates,
    template_save: (req) => {
      const from = own.forms.get(req.server);
      own.templates = [...own.templates, { ...templates()[8]!, id: `mine-${own.templates.length}`, name: { en: req.name, zh: req.name }, form: { ...(from ?? templates()[8]!.form), id: null } }];
      return {};
    },
    template_remove: (req) => {
      own.templates = own.templates.filter((one) => one.id !== req.id);
      return {};
    },
    import_preview: (req) => preview(req.text),
    import_apply: (req) => {
      const items = preview(req.text).items.filter((item) => req.take.includes(item.name));
      for (const item of items) if (item.action === 'add') own.servers = [...own.servers, { ...world(started, '').servers[6]!, id: `srv-${item.name}`, name: item.name, protocol: item.protocol, target: item.target, origin: `import:${req.source}` }];
      return { added: items.filter((item) => item.action === 'add').map((item) => item.name), changed: items.filter((item) => item.action === 'change').map((item) => item.name) };
    },
    export_text: (req) => {
      const rows = own.servers.filter((one) => req.ids.length === 0 || req.ids.includes(one.id));
      const list = rows.map((one) => ({ name: one.name, type: one.protocol, ...(own.forms.get(one.id)?.settings ?? {}) }));
      return { text: JSON.stringify(req.format === 'mcp_config' ? { version: '1.0', servers: list } : { mcpServers: Object.fromEntries(list.map(({ name, type: _, ...rest }) => [name, rest])) }, null, 2) };
    },
    tool_list: () => own.tools.map((one) => one.view),
    tool_get: (req) => tool(req.server, req.tool),
    tool_accept: (req) => {
      own.tools = own.tools.map((one) => (one.view.server === req.server && one.view.name === req.tool ? { ...one, accepted: null, view: { ...one.view, quarantined: false } } : one));
      patch(req.server, { quarantined: 0 });
      return {};
    },
    tool_call: (req, say) => run(req, say),
    call_cancel: (req) => {
      cancelled.add(req.id);
      return {};
    },
    call_history: (req) => own.history.filter((one) => (!req.server || one.server === req.server) && (!req.tool || one.tool === req.tool)).slice(0, req.limit),
    call_command: (req) => {
      const { view } = tool(req.server, req.tool);
      const rest = row(req.server).protocol === 'http';
      return { pilot: `pilot call ${view.serverName} ${req.tool} --args '${JSON.stringify(req.args)}'`, curl: rest ? `curl -H 'Authorization: Basic \${METRICS_AUTH}' -d '${JSON.stringify(req.args)}' ${row(req.server).target}/tools/${req.tool}/call` : null };
    },
    question_list: () => own.questions,
    question_answer: (req) => {
      own.questions = own.questions.filter((one) => one.id !== req.id);
      emit({ event: 'question_gone', id: req.id });
      return {};
    },
    activity_list: (req) =>
      own.activity
        .filter((one) => (req.before === null || one.seq < req.before) && (!req.ending || one.ending === req.ending) && (!req.server || one.server === own.servers.find((server) => server.id === req.server)?.name) && (req.from === null || one.at >= req.from))
        .filter((one) => !req.text || `${one.server} ${one.what} ${one.id} ${one.actor} ${one.rule ?? ''}`.toLowerCase().includes(req.text.toLowerCase()))
        .slice(0, req.limit),
    activity_verify: async () => {
      await wait(delay === 0 ? 0 : 500);
      return mode === 'broken' ? { ok: false, rows: 641, firstBad: 402, why: 'changed' } : { ok: true, rows: 641, firstBad: null, why: null };
    },
    activity_export: () => ({ path: '/home/mira/activity-2026-11-22.jsonl' }),
    policy_get: () => own.policy,
    policy_set: (req) => {
      own.policy = { ...req, defaults: own.policy.defaults };
      return own.policy;
    },
    vault_get: () => own.vault,
    vault_unlock: async (req) => {
      await wait(delay === 0 ? 0 : 1500);
      if (own.vault.kind === 'passphrase' && req.passphrase !== 'correct horse battery') throw fault('auth', 'wrong_passphrase', { en: 'The vault did not open: the passphrase is another one.', zh: '保险库未打开：口令不正确。' }, { en: 'Type it again. After several wrong ones each takes longer.', zh: '请重新输入。多次输错后，每次尝试会更慢。' });
      if (own.vault.state === 'absent') throw fault('auth', 'vault_absent', { en: 'No keyring answered on this computer.', zh: '本机没有可用的密钥环。' }, { en: 'Start one, or choose another way to keep the key.', zh: '请启动密钥环，或选择其他保管方式。' });
      return (own.vault = { ...own.vault, state: 'unlocked', kind: own.vault.kind ?? 'keyring' });
    },
    vault_lock: () => (own.vault = { ...own.vault, state: 'locked' }),
    vault_settle: (req) => (own.vault = { state: 'unlocked', kind: req.kind, unreadable: 0 }),
    vault_rotate: () => own.vault,
    vault_export_kit: () => ({ path: '/media/mira/usb/pilothouse-kit.age' }),
    vault_restore_kit: (req) => {
      if (req.passphrase !== 'correct horse battery') throw fault('auth', 'wrong_passphrase', { en: 'The recovery kit did not open: the passphrase is another one.', zh: '应急包未打开：口令不正确。' }, { en: 'It is the one that was given when the kit was exported.', zh: '请使用导出应急包时设定的口令。' });
      own.vault = STATES['unlocked']!;
      return { path: '/media/mira/usb/pilothouse-kit.age' };
    },
    vault_wipe: () => {
      own.secrets = [];
      own.vault = STATES['unlocked']!;
      return { notes: [{ en: 'Old copies on this disk, in snapshots and in backups elsewhere are out of reach; without the key they do not open.', zh: '磁盘上的旧副本、快照以及其他位置的备份无法触及；没有密钥便无法打开。' }] };
    },
    secret_list: () => own.secrets,
    secret_set: (req) => {
      own.secrets = own.secrets.map((one) => (one.ownerId === req.ownerId && one.field === req.field ? { ...one, present: true, updatedAt: Date.now() } : one));
      return {};
    },
    secret_remove: (req) => {
      own.secrets = own.secrets.filter((one) => one.id !== req.id);
      return {};
    },
    cluster_list: () => ({ locked: own.clustersLocked, clusters: own.clusters.map((one) => one.view) }),
    cluster_get: (req) => {
      const found = own.clusters.find((one) => one.view.id === req.id);
      if (!found) throw fault('not_found', 'no_such_cluster', { en: `There is no cluster ${req.id}.`, zh: `没有集群 ${req.id}。` }, { en: 'It may have been removed.', zh: '它可能已被移除。' });
      return found;
    },
    cluster_check: (req) => {
      const now = Date.now();
      own.clusters = own.clusters.map((one) =>
        req.ids.length > 0 && !req.ids.includes(one.view.id) ? one : { ...one, view: { ...one.view, lastUsed: now, lastUsedBy: 'Pilothouse', lastUsedProgram: null, reach: own.clustersLocked ? { ...one.view.reach, state: 'locked' } : answer(one.view, now) } },
      );
      return { locked: own.clustersLocked, clusters: own.clusters.map((one) => one.view) };
    },
    cluster_refresh: () => ({}),
    cluster_plugin: () => ({ program: '/usr/local/aws-cli/v2/2.31/bin/aws', sha256: '9c'.repeat(32), trust: 'trust-key-1', warnings: [{ en: 'everybody on this machine may write to /usr/local/aws-cli, and so replace the program', zh: '本机任何人都可写入 /usr/local/aws-cli，从而替换该程序' }] }),
    cluster_set: (req) => {
      const found = own.clusters.find((one) => one.view.id === req.id);
      if (!found) throw fault('not_found', 'no_such_cluster', { en: `There is no cluster ${req.id}.`, zh: `没有集群 ${req.id}。` }, { en: 'It may have been removed.', zh: '它可能已被移除。' });
      if (own.clusters.some((one) => one.view.id !== req.id && one.view.name === req.name)) throw fault('config', 'cluster_name_taken', { en: `there is another cluster of the name ${req.name ?? ''}`, zh: `已有另一个集群名为 ${req.name ?? ''}` }, { en: 'Choose another name.', zh: '请换一个名称。' });
      if (req.insecure === true && req.typed !== found.view.name) throw fault('denied', 'name_not_typed', { en: 'what was typed is not the name', zh: '输入的内容不是该名称' }, { en: '', zh: '' });
      const view = { ...found.view, name: req.name ?? found.view.name, readOnly: req.readOnly ?? found.view.readOnly, insecure: req.insecure ?? found.view.insecure, colour: req.colour === null ? found.view.colour : req.colour === '' ? null : req.colour };
      const next: ClusterDetail = { ...found, view, namespace: req.namespace === null ? found.namespace : req.namespace === '' ? null : req.namespace, trusted: req.trust === null ? found.trusted : req.trust !== '', caSha256: req.authorities === null ? found.caSha256 : ['7e'.repeat(32)] };
      own.clusters = own.clusters.map((one) => (one.view.id === req.id ? next : one));
      return next;
    },
    cluster_remove: (req) => {
      own.clusters = own.clusters.filter((one) => one.view.id !== req.id);
      return {};
    },
    cluster_lock: () => {
      own.clustersLocked = true;
      return {};
    },
    cluster_unlock: () => {
      own.clustersLocked = false;
      return {};
    },
    cluster_verify: () => {
      const kept = own.clusters.some(({ view }) => view.file !== null && !view.rewritten);
      return kept ? { ok: false, findings: [{ file: '/home/mira/.kube/config', line: 41, kind: 'token' }, { file: '/home/mira/.kube/config.bak', line: 12, kind: 'client_key' }] } : { ok: true, findings: [] };
    },
    cluster_restore: (req) => {
      own.clusters = own.clusters.map((one) => (one.view.file === req.file ? { ...one, view: { ...one.view, rewritten: false } } : one));
      return {};
    },
    consent_list: () => own.consents,
    consent_forget: (req) => {
      own.consents = own.consents.filter((one) => !(one.program === req.program && one.clusterId === req.clusterId));
      return {};
    },
    cluster_sign_in: (req) => own.signIns[req.id] ?? { issuer: 'https://login.example.net', user: null, expiresAt: null, renews: false, needed: true },
    cluster_login: async (req, say) => {
      const ends = Date.now() + 3_600_000;
      if (req.device) say({ kind: 'code', page: 'https://login.example.net/activate', pageWithCode: 'https://login.example.net/activate?code=WDJB-MJHT', code: 'WDJB-MJHT', expiresAt: Date.now() + 600_000 });
      else say({ kind: 'page', url: 'https://login.example.net/authorize?client_id=pilot', opened: own.browser });
      const went = await new Promise<boolean>((settle) => (own.login = settle));
      if (!went) throw fault('cancelled', 'sign_in_cancelled', { en: 'Nobody was signed in to platform: it was given up.', zh: '未登录 platform：已取消。' }, { en: 'What was signed in before is as it was.', zh: '之前的登录状态保持不变。' });
      own.signIns[req.id] = { issuer: 'https://login.example.net', user: 'mira@example.net', expiresAt: ends, renews: true, needed: false };
      return { user: 'mira@example.net', expiresAt: ends, renews: true };
    },
    cluster_login_cancel: () => {
      own.login?.(false);
      return {};
    },
    cluster_logout: (req) => {
      delete own.signIns[req.id];
      return { revoked: 'done', why: null };
    },
    kubeconfig_list: () => (mode === 'empty' ? [] : kubeconfigs(started)),
    kubeconfig_pick: () => ({ path: '/home/mira/work/customer.yaml' }),
    cluster_review: (req) => {
      if (req.text !== null && !req.text.includes('apiVersion')) throw fault('config', 'not_a_kubeconfig', { en: 'The text is not a kubeconfig: it has no clusters, users and contexts.', zh: '该文本不是 kubeconfig：其中没有 clusters、users 与 contexts。' }, { en: 'Paste the whole file, from apiVersion on.', zh: '请从 apiVersion 开始粘贴整个文件。' });
      const file = req.files[0] ?? '';
      return { id: 'review-1', files: req.files.map((path) => ({ path, target: null, bytes: 8421 })), current: 'prod-us', contexts: contexts(file) };
    },
    cluster_import: (req) => {
      const rows = contexts('/home/mira/.kube/config').filter((one) => req.take.includes(one.context));
      const fresh = rows.map((one): ClusterDetail => ({
        view: { id: `cl-${one.context}`, name: one.context, server: one.server, auth: req.sign.includes(one.context) ? 'oidc' : one.auth, expiresAt: null, insecure: false, file: one.file, rewritten: req.rewrite, lastUsed: null, lastUsedBy: null, lastUsedProgram: null, readOnly: false, colour: one.context.startsWith('prod') ? 'red' : null, reach: UNKNOWN, updatedAt: Date.now() },
        context: one.context, user: one.user, exec: req.sign.includes(one.context) ? null : one.exec, trusted: req.trust.includes(one.context), issuer: one.signIn?.issuer ?? one.issuer, tokenFile: null, follows: req.follow.includes(one.context), caSha256: one.caSha256, tlsServerName: one.tlsServerName, proxy: one.proxy, namespace: one.namespace, impersonate: one.impersonate,
      }));
      own.clusters = [...own.clusters.filter((one) => !fresh.some((other) => other.view.id === one.view.id)), ...fresh];
      if (req.rewrite) own.clusters = own.clusters.map((one) => (one.view.file ? { ...one, view: { ...one.view, rewritten: true } } : one));
      return { clusters: fresh.map(({ view }) => ({ id: view.id, context: view.name, server: view.server, auth: view.auth, rewritten: view.rewritten })), refused: [], files: req.rewrite ? ['/home/mira/.kube/config'] : [] };
    },
    kube_usage: (req) => kube.usage(req, started),
    kube_kinds: (req) => kube.kinds(req.cluster),
    kube_table: (req, say) => kube.table(req, mode === 'many', say),
    kube_object: (req) => kube.object(req, started),
    kube_watch: (req, say) => kube.watch(req, say),
    kube_counts: (req) => kube.counts(req, mode === 'many'),
    kube_cancel: ({ id }) => (streams.cancel(id), kube.cancel(id)),
    kube_taken: () => ({}),
    kube_logs: (req, say) => streams.logs(req, say),
    kube_logs_save: (req) => ({ path: `/home/mira/${req.name}` }),
    kube_exec: (req, say) => streams.exec(req, say),
    kube_exec_input: (req) => (streams.input(req), {}),
    kube_forward: (req) => streams.forward(req, started),
    kube_forward_list: () => streams.forwards(),
    kube_forward_stop: ({ id }) => (streams.stop(id), {}),
    kube_reveal: (req) => ({ text: `value-of-${req.key}`, bytes: 17, auditId: 'a-91c0ffee0001' }),
    kube_act: (req, say) => kube.act(req, say),
    kube_revisions: () => kube.REVISIONS,
    ...benchHandlers(bench, (tag) => emit({ event: 'changed', tags: [tag] }), (ms) => wait(delay === 0 ? 0 : ms)),
  };

  const ALWAYS = new Set<Name>(['app_boot', 'app_ready', 'prefs_set']);
  return {
    world: own,
    bench,
    emit,
    calls,
    failNext: (name, why) => once.set(name, why),
    async call(name, req, onMessage) {
      calls.push({ name, req });
      if (delay > 0) await wait(ALWAYS.has(name) ? 10 : delay);
      const why = once.get(name);
      if (why) {
        once.delete(name);
        throw why;
      }
      if (mode === 'failed' && !ALWAYS.has(name)) throw BROKEN;
      return structuredClone(await (handlers[name] as Handlers[typeof name])(req, onMessage ?? (() => undefined)));
    },
    listen(hear) {
      listeners.add(hear);
      return () => listeners.delete(hear);
    },
  };
}
