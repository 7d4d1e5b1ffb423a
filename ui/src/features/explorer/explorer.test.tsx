import { act, fireEvent, screen, waitFor, within } from '@testing-library/react';
import { describe, expect, test, vi } from 'vitest';
import { byId, editor, go, open } from '../../../test/window';
import type { FakeClient } from '@/ipc/fake';
import { gathering, type KubeTable } from './api';
import { ageOf, ageText, filtered, meaning, sorted, stateOf } from './cells';
import { grouped, listable } from './kinds';
import { happen, kinds } from '@/ipc/fake/kube';
import { changed, changing, type Live } from './live';
import type { Json } from '@/shared/lib/words';
import { summaryOf, well } from './summary';
import { cores, selectorOf, viewOf, worth } from './views';

const sent = (client: { calls: { name: string; req: unknown }[] }, name: string) => client.calls.filter((call) => call.name === name).map((call) => call.req as Record<string, unknown>);
const rows = () => screen.getAllByTestId('object-row');
const names = () => rows().map((row) => row.dataset['key']!.split('\n')[1]!);
const kind = (name: string) => screen.getAllByTestId('kind').find((one) => one.dataset['key'] === name)!;
const sort = (name: string) => screen.getAllByTestId('sort').find((one) => one.dataset['key'] === name)!;

/** A cluster that does not answer until it is let. */
function holding(client: FakeClient, name: string) {
  const answer = client.call.bind(client);
  let free: () => void = () => undefined;
  const held = new Promise<void>((done) => (free = done));
  client.call = async (called, req, say) => {
    if (called === name) {
      client.calls.push({ name: called, req });
      await held;
    }
    return answer(called, req, say);
  };
  return () => free();
}

describe('a cluster', () => {
  test('is asked nothing before a person opens it, and then only what is looked at', async () => {
    const { user, client } = await open({ hash: '#/clusters/cl-prod' });
    const button = await byId('cluster-explore');
    expect(client.calls.filter((call) => call.name.startsWith('kube_'))).toEqual([]);
    await user.click(button);
    await waitFor(() => expect(rows().length).toBeGreaterThan(5));
    expect(sent(client, 'kube_table').map((req) => req['kind']).sort()).toEqual(['namespaces', 'pods']);
    expect(sent(client, 'kube_object')).toEqual([]);
    expect((await byId('explorer')).dataset['colour']).toBe('red');
    expect(screen.getByText('production by its name')).toBeTruthy();
  });

  test('shows its kinds by what they are for, and which APIs said nothing', async () => {
    const { user } = await open({ hash: '#/clusters/cl-prod/explore' });
    await byId('kinds');
    const shown = screen.getAllByTestId('kind').map((one) => one.dataset['key']);
    expect(shown.slice(0, 2)).toEqual(['pods', 'deployments.apps']);
    expect(shown).not.toContain('bindings');
    expect(shown.at(-1)).toBe('services.serving.knative.dev');
    expect(screen.getByTestId('kinds-missing').textContent).toContain('metrics.k8s.io/v1beta1');
    await user.type(screen.getByTestId('kind-search'), 'svc');
    await waitFor(() => expect(screen.getAllByTestId('kind').map((one) => one.dataset['key'])).toEqual(['services']));
    await user.type(screen.getByTestId('kind-search'), 'xx');
    await byId('kinds-none');
  });

  test('that cannot be reached says why, and is asked again', async () => {
    const { user, client } = await open({ hash: '#/clusters/cl-lab/explore' });
    expect((await byId('fault')).textContent).toContain('nobody listens there');
    await user.click(screen.getByTestId('retry'));
    await waitFor(() => expect(sent(client, 'kube_kinds')).toHaveLength(2));
  });

  test('that takes long is given up, in the core too, and asked again', async () => {
    let free = () => undefined as void;
    const { user, client } = await open({ hash: '#/clusters/cl-prod/explore', change: (client) => (free = holding(client, 'kube_kinds')) });
    expect((await byId('explore-late')).textContent).toContain('Waiting for prod-eu');
    await user.click(screen.getByTestId('explore-cancel'));
    await byId('explore-given-up');
    const id = sent(client, 'kube_kinds')[0]!['ask'];
    await waitFor(() => expect(sent(client, 'kube_cancel')).toEqual([{ id }]));
    await user.click(screen.getByTestId('retry'));
    free();
    await waitFor(() => expect(rows().length).toBeGreaterThan(5));
  });

  test('is opened from the palette, and its kinds are there without asking', async () => {
    const { user, client } = await open({ hash: '#/servers' });
    await user.click(screen.getByTestId('palette-open'));
    await user.type(await byId('palette-input'), 'explore prod');
    await waitFor(() => expect(screen.getAllByTestId('palette-item')[0]!.textContent).toContain('Explore prod-eu'));
    await user.keyboard('{Enter}');
    await waitFor(() => expect(rows().length).toBeGreaterThan(5));
    const before = sent(client, 'kube_kinds').length;
    await user.click(screen.getByTestId('palette-open'));
    await user.type(await byId('palette-input'), 'deploy');
    await waitFor(() => expect(screen.getAllByTestId('palette-item').some((one) => one.textContent!.includes('deployments.apps'))).toBe(true));
    expect(sent(client, 'kube_kinds')).toHaveLength(before);
  });
});

describe('the table', () => {
  test('has the columns of the server, says states with words, and more when it is wide', async () => {
    const { user } = await open({ hash: '#/clusters/cl-prod/explore/pods?ns=*' });
    await waitFor(() => expect(rows().length).toBeGreaterThan(5));
    const heads = () => screen.getAllByRole('columnheader').map((one) => one.textContent);
    expect(heads()).toEqual(['Namespace', 'Name', 'Ready', 'Status', 'Restarts', 'Age']);
    const broken = rows().find((row) => row.textContent!.includes('CrashLoopBackOff'))!;
    expect(broken.querySelector('.ph-chip.bad svg')).toBeTruthy();
    await user.click(screen.getByTestId('wide'));
    expect(heads()).toEqual(['Namespace', 'Name', 'Ready', 'Status', 'Restarts', 'Age', 'IP', 'Node', 'Nominated Node', 'Readiness Gates']);
    await user.click(screen.getByTestId('wide'));
  });

  test('is filtered by what is typed, and says so when nothing fits', async () => {
    const { user } = await open({ hash: '#/clusters/cl-prod/explore/pods?ns=*' });
    await waitFor(() => expect(screen.getByTestId('object-count').textContent).toBe('27'));
    await user.type(screen.getByTestId('object-search'), 'crash payments');
    await waitFor(() => expect(screen.queryByTestId('state-filtered')).toBeTruthy());
    await user.click(screen.getByTestId('clear-filters'));
    await user.type(screen.getByTestId('object-search'), 'shop crash');
    await waitFor(() => expect(rows()).toHaveLength(1));
    expect(screen.getByTestId('object-count').textContent).toBe('1 / 27');
  });

  test('is sorted by a column, up, down and not at all; ages by their length', async () => {
    const { user } = await open({ hash: '#/clusters/cl-prod/explore/namespaces' });
    await waitFor(() => expect(rows()).toHaveLength(5));
    await user.click(sort('Age'));
    expect(names()).toEqual(['monitoring', 'payments', 'shop', 'default', 'kube-system']);
    expect(screen.getAllByRole('columnheader')[2]!.getAttribute('aria-sort')).toBe('ascending');
    await user.click(sort('Name'));
    await user.click(sort('Name'));
    expect(names()[0]).toBe('shop');
    await user.click(sort('Name'));
    expect(names()[0]).toBe('default');
  });

  test('keeps its rows while it is asked for again, and when that fails', async () => {
    const { user, client } = await open({ hash: '#/clusters/cl-prod/explore/namespaces' });
    await waitFor(() => expect(rows()).toHaveLength(5));
    client.failNext('kube_table', { kind: 'unreachable', code: 'cluster_unreachable', message: { en: 'could not reach prod-eu', zh: '无法连接 prod-eu' }, hint: { en: '', zh: '' }, params: {}, reference: null });
    await user.click(screen.getByTestId('object-refresh'));
    expect((await byId('objects-stale')).textContent).toContain('What is below is from');
    expect(rows()).toHaveLength(5);
    await user.click(screen.getByTestId('retry'));
    await waitFor(() => expect(screen.queryByTestId('objects-stale')).toBeNull());
  });

  test('says when there is nothing, and what could not be shown', async () => {
    const { user } = await open({ hash: '#/clusters/cl-prod/explore/jobs.batch?ns=shop' });
    expect((await byId('state-empty')).textContent).toContain('No Job in shop');
    await user.click(screen.getByTestId('look-everywhere'));
    await waitFor(() => expect(screen.getByTestId('state-empty').textContent).toContain('No Job'));
    await user.click(kind('services'));
    expect((await byId('objects-note')).textContent).toContain('not shown');
    await go('#/clusters/cl-prod/explore/nothings.example.org');
    expect(await screen.findByText(/No kind "nothings.example.org" here/)).toBeTruthy();
  });

  test('that is refused says what is missing, as whom, and offers one namespace', async () => {
    const { user, client } = await open({ hash: '#/clusters/cl-stage/explore/pods' });
    const fault = await byId('fault');
    for (const part of ['forbids user "mira" to list pods', 'cluster_forbidden', 'Ask whoever runs', 'Every namespace was asked']) expect(fault.textContent).toContain(part);
    await user.click(screen.getByTestId('look-in-usual'));
    await waitFor(() => expect(sent(client, 'kube_table').some((req) => req['kind'] === 'pods' && req['namespace'] === 'default')).toBe(true));
  });

  test('is of the namespace that was chosen here last', async () => {
    const { user, client } = await open({ hash: '#/clusters/cl-prod/explore/pods' });
    await waitFor(() => expect(rows().length).toBeGreaterThan(5));
    expect(sent(client, 'kube_table').find((req) => req['kind'] === 'pods')!['namespace'], "the cluster's own").toBe('payments');
    await user.click(screen.getByTestId('namespace'));
    await user.click(await screen.findByRole('option', { name: 'shop' }));
    await waitFor(() => expect(rows().every((row) => row.dataset['key']!.startsWith('shop\n'))).toBe(true));
    await go('#/clusters');
    await go('#/clusters/cl-prod/explore');
    await waitFor(() => expect(rows().every((row) => row.dataset['key']!.startsWith('shop\n'))).toBe(true));
    await waitFor(() => expect(sent(client, 'prefs_set').at(-1)).toMatchObject({ key: 'explorer', value: { 'cl-prod': { namespace: 'shop' } } }));
  });

  test('of ten thousand rows draws those in sight', async () => {
    await open({ hash: '#/clusters/cl-prod/explore/pods?ns=*', mode: 'many' });
    await waitFor(() => expect(screen.getByTestId('object-count').textContent).toBe('10000'));
    expect(rows().length).toBeLessThan(80);
  });
});

describe('one object', () => {
  const opened = async (more = '') => {
    const view = await open({ hash: `#/clusters/cl-prod/explore/pods?ns=payments${more}` });
    await waitFor(() => expect(rows().length).toBeGreaterThan(5));
    fireEvent.click(rows()[0]!);
    await byId('summary');
    return view;
  };

  test('is opened beside the list: containers with why, conditions with their word, labels, owner', async () => {
    const { user } = await opened();
    const panel = screen.getByTestId('object-panel');
    expect(screen.getAllByTestId('container')).toHaveLength(3);
    for (const part of ['CrashLoopBackOff', '14 restarts', 'ContainersNotReady', 'app.kubernetes.io/part-of', 'node-0']) expect(panel.textContent).toContain(part);
    await user.click(screen.getByTestId('owner'));
    await waitFor(() => expect(window.location.hash).toContain('deployments.apps?ns=payments&name=ledger&in=payments'));
    await byId('summary');
    await user.click(screen.getByTestId('object-close'));
    await waitFor(() => expect(screen.queryByTestId('object-panel')).toBeNull());
  });

  test('is there as YAML to read, not to write', async () => {
    const { user } = await opened();
    await user.click(screen.getByTestId('tab-yaml'));
    const box = await editor(await byId('object-yaml'));
    expect(box.readOnly).toBe(true);
    expect(box.value).toContain('kind: Pod');
    expect(window.location.hash).toContain('tab=yaml');
  });

  test('tells what happened to it, the newest first', async () => {
    const { user, client } = await opened();
    await user.click(screen.getByTestId('tab-events'));
    const events = await screen.findAllByTestId('event');
    expect(events.map((event) => event.textContent!.includes('BackOff'))).toEqual([true, false]);
    expect(events[0]!.textContent).toContain('Warning');
    expect(sent(client, 'kube_table').at(-1)).toMatchObject({ kind: 'events', namespace: 'payments', fields: expect.stringContaining('involvedObject.uid=5f2c-ledger') });
  });

  test('that is a Secret is masked, and says so', async () => {
    const { user } = await open({ hash: '#/clusters/cl-prod/explore/secrets?ns=payments&name=ledger-db&in=payments' });
    await byId('secret-masked');
    await user.click(screen.getByTestId('tab-yaml'));
    expect((await editor(await byId('object-yaml'))).value).toContain('password: "******"');
    expect(screen.getByTestId('secret-masked').textContent).toContain('masked');
  });

  test('that is gone is said', async () => {
    await open({ hash: '#/clusters/cl-prod/explore/pods?ns=payments&name=nobody&in=payments' });
    expect((await byId('fault')).textContent).toContain('it is not in the cluster');
  });

  test('is walked to with the arrow keys; what they run over is not asked for', async () => {
    const { user, client } = await open({ hash: '#/clusters/cl-prod/explore/namespaces' });
    await waitFor(() => expect(rows()).toHaveLength(5));
    screen.getByRole('grid').focus();
    for (const name of ['default', 'kube-system', 'monitoring', 'payments']) {
      await user.keyboard('{ArrowDown}');
      await waitFor(() => expect(screen.getByTestId('object-panel').getAttribute('aria-label')).toBe(name));
    }
    await byId('summary');
    await waitFor(() => expect(sent(client, 'kube_object').at(-1)!['name']).toBe('payments'));
    expect(sent(client, 'kube_object').length).toBeLessThan(4);
    await user.keyboard('/');
    expect(document.activeElement).toBe(screen.getByTestId('object-search'));
  });
});

test('the Explorer in Chinese', async () => {
  await open({ hash: '#/clusters/cl-prod/explore/pods', lang: 'zh' });
  await waitFor(() => expect(rows().length).toBeGreaterThan(5));
  expect(screen.getByTestId('kinds').textContent).toContain('工作负载');
  expect(within(screen.getByTestId('kinds')).getByText('Deployment')).toBeTruthy();
});

describe('rules', () => {
  test('what states mean', () => {
    const tone = (word: string) => meaning(word)?.tone ?? null;
    for (const [word, expected] of [['Running', 'ok'], ['CrashLoopBackOff', 'bad'], ['Init:CrashLoopBackOff', 'bad'], ['Init:0/2', 'warn'], ['ImagePullBackOff', 'bad'], ['Ready,SchedulingDisabled', 'warn'], ['NotReady', 'bad'], ['NotReady,SchedulingDisabled', 'warn'], ['ClusterIP', null], ['Opaque', null], ['Warning', 'warn']] as const) expect(tone(word), word).toBe(expected);
    const column = (name: string) => ({ name, kind: 'string', format: '', description: '', priority: 0 });
    expect(stateOf(column('Ready'), '1/3')?.tone).toBe('warn');
    expect(stateOf(column('Ready'), '3/3')).toBeNull();
    expect(stateOf(column('Name'), 'failed')).toBeNull();
  });

  test('ages are lengths of time', () => {
    for (const [text, ms] of [['118s', 118_000], ['4h12m', 15_120_000], ['2d3h', 183_600_000], ['1y10d', 375 * 86_400_000], ['<unknown>', null], ['soon', null], ['', null]] as const) expect(ageOf(text), text).toBe(ms);
  });

  test('what says nothing is last, either way', () => {
    const columns = [{ name: 'N', kind: 'integer', format: '', description: '', priority: 0 }];
    const of = (...cells: (number | string)[]) => cells.map((cell, at) => ({ namespace: null, name: String(at), cells: [cell] }));
    const order = (down: boolean) => sorted(of(10, '<none>', 9), columns, { column: 0, down }).map((row) => row.name);
    expect(order(false)).toEqual(['2', '0', '1']);
    expect(order(true)).toEqual(['0', '2', '1']);
    expect(filtered(of('a b', 'b'), 'b a').map((row) => row.name)).toEqual(['0']);
  });

  test('a kind stands once, in its group; installed ones by their API group', () => {
    const all = kinds('cl-prod').kinds;
    expect(listable([...all, ...all])).toHaveLength(all.length - 2);
    const groups = grouped(all);
    expect(groups.filter((group) => group.custom).map((group) => group.key)).toEqual(['cert-manager.io', 'serving.knative.dev']);
    expect(groups.find((group) => group.key === 'more')!.kinds.map((one) => one.name)).toEqual(['leases.coordination.k8s.io']);
  });

  test('a table is whole only with its last piece, which may come after the answer', async () => {
    let shown: KubeTable | null = null;
    const gathered = gathering((table) => (shown = table));
    const row = (namespace: string, name: string) => ({ namespace, name, cells: [] });
    gathered.take({ part: 'rows', rows: [row('a', '1'), row('b', '2')] });
    gathered.take({ part: 'again', namespace: 'a' });
    let done = false;
    const whole = gathered.whole(3).then((table) => {
      done = true;
      return table;
    });
    await Promise.resolve();
    expect([done, shown!.whole]).toEqual([false, false]);
    gathered.take({ part: 'rows', rows: [row('a', '1')] });
    expect((await whole).rows.map((one) => one.name)).toEqual(['2', '1']);
    expect((await whole).whole).toBe(true);
  });

  test('whatever a server sends has a summary', () => {
    for (const odd of [null, 3, [], {}, { metadata: 5, status: { conditions: 'x' }, spec: { containers: [3, null, {}] } }]) expect(() => summaryOf(odd as never)).not.toThrow();
    const condition = { type: 'Ready', status: 'False', reason: '', message: '', since: null };
    expect(well(condition)).toBe(false);
    expect(well({ ...condition, type: 'MemoryPressure' })).toBe(true);
    expect(well({ ...condition, status: 'Unknown' })).toBeNull();
  });
});

describe('what a workload, a node and a pod are about', () => {
  test('is read from whatever a server sends', () => {
    for (const [written, value] of [['500m', 0.5], ['1Gi', 2 ** 30], ['2e3', 2000], ['1.5', 1.5], [4, 4], ['x', null], ['1 Gi', null], [null, null]] as const) expect(worth(written), String(written)).toBe(value);
    expect([0.25, 0.004, 1, 1.256].map(cores)).toEqual(['250 m', '4 m', '1', '1.26']);
    expect(selectorOf({ matchLabels: { app: 'web' }, matchExpressions: [{ key: 'tier', operator: 'In', values: ['a', 'b'] }, { key: 'old', operator: 'DoesNotExist' }] })).toBe('app=web,tier in (a,b),!old');
    expect(selectorOf({ matchExpressions: [{ key: 'a', operator: 'Odd' }] })).toBeNull();
    // An empty selector would select every pod there is.
    expect(selectorOf({})).toBeNull();
    expect(viewOf({ apiVersion: 'example.org/v1', kind: 'Deployment', spec: {} })).toBeNull();
    expect(viewOf('nonsense')).toBeNull();
    const containers: Json[] = [{ resources: { requests: { cpu: '100m' }, limits: { cpu: '1' } } }, { resources: { requests: { cpu: '150m' } } }];
    const pod = viewOf({ apiVersion: 'v1', kind: 'Pod', spec: { containers } });
    // A container without a limit leaves the pod without one.
    expect(pod).toEqual({ view: 'pod', requests: { cpu: 0.25, memory: null }, limits: { cpu: null, memory: null } });
    const job = viewOf({ apiVersion: 'batch/v1', kind: 'Job', metadata: { generation: 2 }, spec: { completions: 3, selector: { matchLabels: { job: 'x' } } }, status: { succeeded: 1, failed: 2, observedGeneration: 1 } });
    expect(job).toMatchObject({ wanted: 3, ready: 1, failed: 2, unseen: true, pods: 'job=x' });
  });

  test('a deployment shows how far it is and its pods, and each of them opens', async () => {
    const { user, client } = await open({ hash: '#/clusters/cl-prod/explore/deployments.apps?ns=shop&name=cart&in=shop' });
    expect((await byId('workload-view')).textContent).toContain('2 of 3');
    await waitFor(() => expect(screen.getAllByTestId('its-pod').length).toBeGreaterThan(0));
    expect(sent(client, 'kube_table').find((req) => req['labels'])).toMatchObject({ kind: 'pods', namespace: 'shop', labels: 'app=cart' });
    const pod = screen.getAllByTestId('its-pod')[0]!;
    const name = within(pod).getByRole('button').textContent!;
    await user.click(within(pod).getByRole('button'));
    await waitFor(() => expect(window.location.hash).toContain(`name=${name}`));
  });

  test('a node shows what it has, what is used of it, and its pods in every namespace', async () => {
    const { client } = await open({ hash: '#/clusters/cl-prod/explore/nodes?name=node-1' });
    expect((await byId('node-view')).textContent).toContain('takes no new pods');
    await waitFor(() => expect(screen.getByTestId('usage').textContent).toContain('2.27'));
    expect(screen.getByTestId('usage').textContent).toContain('of 3.8 allocatable');
    expect(sent(client, 'kube_usage')[0]).toMatchObject({ cluster: 'cl-prod', namespace: null });
    expect(sent(client, 'kube_table').find((req) => req['fields'] === 'spec.nodeName=node-1')).toMatchObject({ namespace: null });
  });

  test('where nothing is measured, that is said and requests are not shown as usage', async () => {
    await open({ hash: '#/clusters/cl-stage/explore/nodes?ns=default&name=node-0', lang: 'zh' });
    expect((await byId('usage-none')).textContent).toContain('不测量用量');
    expect(within(screen.getByTestId('usage')).queryByRole('meter')).toBeNull();
  });
});

describe('a table that is looked at', () => {
  const live = () => screen.getByTestId('objects-live').dataset['state'];
  const row = (name: string) => rows().find((one) => one.dataset['key']!.endsWith(`\n${name}`));

  test('changes as the cluster does, and keeps its place, its choice and its order', async () => {
    const { client } = await open({ hash: '#/clusters/cl-prod/explore/namespaces?name=payments' });
    await waitFor(() => expect(rows()).toHaveLength(5));
    await waitFor(() => expect(live()).toBe('live'));
    expect(sent(client, 'kube_watch').find((one) => one['kind'] === 'namespaces')).toMatchObject({ place: '1000', namespace: null });
    act(() => {
      happen('namespaces', { part: 'rows', rows: [{ namespace: null, name: 'lab', cells: ['lab', 'Active', '1s'] }, { namespace: null, name: 'shop', cells: ['shop', 'Terminating', '23d'] }] }, { part: 'gone', names: [{ namespace: null, name: 'monitoring' }] });
    });
    await waitFor(() => expect(names()).toEqual(['default', 'kube-system', 'lab', 'payments', 'shop']));
    expect(row('shop')!.textContent).toContain('Terminating');
    expect(row('payments')!.getAttribute('aria-selected')).toBe('true');
    expect(sent(client, 'kube_table').filter((one) => one['kind'] === 'namespaces')).toHaveLength(1);
  });

  test('says since when it is out of date, and is whole again at once', async () => {
    await open({ hash: '#/clusters/cl-prod/explore/nodes' });
    await waitFor(() => expect(live()).toBe('live'));
    act(() => void happen('nodes', { part: 'stale', since: Date.now() - 60_000, why: { kind: 'unreachable', code: 'cluster_unreachable', message: { en: 'could not reach prod-eu', zh: '无法连接 prod-eu' }, hint: { en: '', zh: '' }, params: {}, reference: null } }));
    await waitFor(() => expect(live()).toBe('stale'));
    expect(screen.getByTestId('objects-live').title).toContain('could not reach prod-eu');
    expect(rows()).toHaveLength(3);
    act(() => void happen('nodes', { part: 'anew' }, { part: 'rows', rows: [{ namespace: null, name: 'node-9', cells: ['node-9', 'Ready', '<none>', '1s', 'v1.36.2', '10.20.0.9'] }] }, { part: 'live' }));
    await waitFor(() => expect(names()).toEqual(['node-9']));
    expect(live()).toBe('live');
  });

  test('stays as it was asked for where watching is not allowed, and can be asked for again', async () => {
    const { user, client } = await open({ hash: '#/clusters/cl-prod/explore/services?ns=*' });
    await waitFor(() => expect(rows()).toHaveLength(9));
    await waitFor(() => expect(live()).toBe('ended'));
    expect(screen.getByTestId('objects-live').title).toContain('forbids');
    await user.click(screen.getByTestId('object-refresh'));
    await waitFor(() => expect(sent(client, 'kube_table').filter((one) => one['kind'] === 'services')).toHaveLength(2));
  });

  test('is not followed any more when another one is opened', async () => {
    const { user, client } = await open({ hash: '#/clusters/cl-prod/explore/nodes' });
    await waitFor(() => expect(live()).toBe('live'));
    const ask = sent(client, 'kube_watch').find((one) => one['kind'] === 'nodes')!['ask'];
    await user.click(kind('deployments.apps'));
    await waitFor(() => expect(sent(client, 'kube_cancel')).toContainEqual({ id: ask }));
  });

  test('says beside each kind how many there are, and nothing where they may not be listed', async () => {
    const { client } = await open({ hash: '#/clusters/cl-prod/explore/pods?ns=payments' });
    await waitFor(() => expect(kind('nodes').querySelector('[data-testid=kind-count]')?.textContent).toBe('3'));
    expect(kind('deployments.apps').querySelector('[data-testid=kind-count]')?.textContent).toBe('3');
    const asked = sent(client, 'kube_counts')[0]!;
    expect(asked['kinds']).toContain('pods');
    expect(asked['kinds']).not.toContain('clusterroles.rbac.authorization.k8s.io');
    await go('#/clusters/cl-stage/explore/pods?ns=payments');
    await waitFor(() => expect(kind('configmaps').querySelector('[data-testid=kind-count]')).toBeTruthy());
    expect(kind('secrets').querySelector('[data-testid=kind-count]')).toBeNull();
  });
});

describe('what changes', () => {
  const row = (namespace: string, name: string, cell = '') => ({ namespace, name, cells: [cell] });

  test('is put where the server would list it', () => {
    const rows = [row('a', 'x'), row('b', 'm'), row('b', 'p')];
    const keys = (of: { namespace: string | null; name: string }[]) => of.map((one) => `${one.namespace}/${one.name}`);
    const next = changed(rows, new Map([['b\nm', row('b', 'm', 'new')], ['b\nn', row('b', 'n')], ['a\nx', null], ['c\nz', null]]));
    expect(keys(next)).toEqual(['b/m', 'b/n', 'b/p']);
    expect(next[0]!.cells).toEqual(['new']);
    expect(changed(rows, new Map([['b\nm', row('b', 'm', 'new')]]))[2]).toBe(rows[2]);
  });

  test('that comes by the hundred is shown together', () => {
    vi.useFakeTimers();
    let table: KubeTable = { columns: [], rows: [row('a', 'x')], notes: [], whole: true, place: '1', askedAt: 0 };
    let shown = 0;
    const states: Live['state'][] = [];
    const changes = changing(() => table, (next) => ((shown += 1), (table = next)), (live) => states.push(live.state));
    for (let nth = 0; nth < 100; nth += 1) changes.take({ part: 'rows', rows: [row('a', `n${nth % 10}`, String(nth))] });
    expect(shown).toBe(0);
    vi.advanceTimersByTime(50);
    expect([shown, table.rows.length]).toEqual([1, 11]);
    changes.take({ part: 'gone', names: [{ namespace: 'a', name: 'x' }] });
    changes.end();
    vi.advanceTimersByTime(1000);
    expect([shown, states]).toEqual([1, []]);
    vi.useRealTimers();
  });

  test('has an age that is written as the server writes it', () => {
    for (const text of ['0s', '119s', '2m', '2m5s', '10m', '3h1m', '8h', '2d', '2d2h', '8d', '2y1d']) expect(ageText(ageOf(text)!)).toBe(text);
  });
});
