import { act, fireEvent, screen, waitFor, within } from '@testing-library/react';
import { describe, expect, test, vi } from 'vitest';
import { byId, editor, go, open } from '../../../test/window';
import type { FakeClient } from '@/ipc/fake';
import { fault } from '@/ipc/fake/world';
import { outlineOf } from '@/ipc/fake/workbench';
import { maskedIn, nameOf, naming, valueEdit, withoutMasked } from './manifest';

const sent = (client: { calls: { name: string; req: unknown }[] }, name: string) => client.calls.filter((call) => call.name === name).map((call) => call.req as Record<string, unknown>);

const LEDGER = '#/workbench?cluster=cl-prod&api=apps%2Fv1&kind=Deployment&ns=payments&name=ledger';
const MAP = 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: flags\ndata:\n  a: b\n';

const box = async () => editor(await byId('bench-editor'));
const type = async (text: string) => fireEvent.change(await box(), { target: { value: text } });
const bar = () => screen.getByTestId('bench-bar');
const at = (step: string, state?: string) =>
  waitFor(() => {
    expect(bar().dataset['at']).toBe(step);
    if (state) expect(bar().dataset['state']).toBe(state);
  });
const why = () => screen.getByTestId('bench-why').textContent!;
const next = () => screen.getByTestId('bench-next') as HTMLButtonElement;
const press = async (id: string) => fireEvent.click(await byId(id));

/** A command that answers when it is let, in whatever order. */
function holding(client: FakeClient, name: string) {
  const answer = client.call.bind(client);
  const waiting: (() => void)[] = [];
  client.call = async (called, req, say) => {
    if (called !== name) return answer(called, req, say);
    const found = await answer(called, req, say);
    await new Promise<void>((done) => waiting.push(done));
    return found;
  };
  return waiting;
}

/** The Deployment `ledger`, opened as the Explorer opens it. */
async function ledger(change?: (client: FakeClient) => void) {
  const view = await open({ hash: LEDGER, change });
  expect((await box()).value).toContain('name: ledger');
  return view;
}

async function rehearsed(text: (old: string) => string, change?: (client: FakeClient) => void) {
  const view = await ledger(change);
  await type(text((await box()).value));
  await at('rehearse', 'ready');
  fireEvent.click(next());
  await byId('rehearsal');
  return view;
}

const newImage = (text: string) => text.replace('ledger:1.0', 'ledger:1.1');

describe('the way to a cluster', () => {
  test('begins with nothing, says what the page is for, and cannot go on', async () => {
    const { client } = await open({ hash: '#/workbench' });
    expect((await byId('bench-empty')).textContent).toContain('taken back');
    await at('draft', 'blocked');
    expect(why()).toContain('Write, open or paste');
    expect(next().disabled).toBe(true);
    fireEvent.keyDown(window, { key: 'Enter', ctrlKey: true });
    expect(sent(client, 'wb_rehearse')).toEqual([]);
    expect(sent(client, 'wb_check')).toEqual([]);
  });

  test('goes step by step, by the keyboard alone: check, rehearse, approve, apply, watch, undo', async () => {
    const { client, user } = await rehearsed(newImage);
    const go = () => fireEvent.keyDown(window, { key: 'Enter', ctrlKey: true });
    expect((await byId('field')).textContent).toContain('ledger:1.0');
    await at('approve', 'ready');
    expect(screen.getByTestId('bench-lasts').textContent).toMatch(/1[45]:\d\d/);
    go();
    await at('apply', 'ready');
    expect(sent(client, 'wb_apply')).toEqual([]);
    expect(next().textContent).toContain('Apply 1 change to prod-eu');
    go();
    await at('apply', 'done');
    const digest = sent(client, 'wb_apply')[0]!['digest'];
    expect(digest).toMatch(/^[0-9a-f]{64}$/);
    await waitFor(() => expect(screen.getByTestId('rollout').dataset['state']).toBe('done'));
    await user.click(screen.getByTestId('bench-history'));
    fireEvent.click((await screen.findAllByTestId('kept-undo'))[0]!);
    await waitFor(() => expect(screen.getAllByTestId('kept')[0]!.dataset['state']).toBe('undone'));
    await at('rehearse', 'ready');
    expect(why()).toContain('taken back');
    expect(client.bench.live.get('Deployment/ledger')).toContain('ledger:1.0');
  });

  test('stops at errors, and says how many', async () => {
    await ledger();
    await type((await box()).value.replace('replicas:', 'replicsa:'));
    await at('validate', 'blocked');
    expect(why()).toContain('1 error');
    expect(next().disabled).toBe(true);
  });

  test('needs a cluster', async () => {
    await open({ hash: '#/workbench' });
    await press('empty-write');
    await type(MAP);
    await at('rehearse', 'blocked');
    expect(why()).toContain('No cluster is chosen');
  });

  test('does not begin on a cluster that is read-only, or locked', async () => {
    const { client } = await ledger((client) => {
      client.world.clusters = client.world.clusters.map((one) => (one.view.id === 'cl-prod' ? { ...one, view: { ...one.view, readOnly: true } } : one));
    });
    await at('rehearse', 'blocked');
    expect(why()).toContain('prod-eu is read-only');
    client.world.clusters = client.world.clusters.map((one) => ({ ...one, view: { ...one.view, readOnly: false } }));
    client.world.clustersLocked = true;
    await act(async () => client.emit({ event: 'changed', tags: ['clusters'] }));
    await waitFor(() => expect(why()).toContain('locked'));
  });

  test('any edit after a rehearsal makes it stale; what was before makes it good again', async () => {
    const { client } = await rehearsed(newImage);
    await at('approve', 'ready');
    fireEvent.click(next());
    await at('apply', 'ready');
    const text = (await box()).value;
    await type(`${text}# more\n`);
    await at('rehearse', 'ready');
    expect(why()).toContain('The text changed since the rehearsal');
    expect(screen.getByTestId('rehearsal').dataset['stale']).toBe('text');
    fireEvent.keyDown(window, { key: 'Enter', ctrlKey: true });
    await waitFor(() => expect(sent(client, 'wb_rehearse')).toHaveLength(2));
    expect(sent(client, 'wb_apply')).toEqual([]);
  });

  test('a rehearsal expires, and says when', async () => {
    await rehearsed(newImage, (client) => (client.bench.lasts = 1500));
    await at('rehearse', 'ready');
    expect(why()).toMatch(/expired at \d\d:\d\d:\d\d/);
  });

  test('a field of somebody else blocks until it is taken over and rehearsed again', async () => {
    const { client } = await rehearsed((text) => text.replace('replicas: 3', 'replicas: 5'));
    await at('approve', 'blocked');
    expect(why()).toContain('managed by kube-controller-manager');
    expect(next().disabled).toBe(true);
    expect(screen.getByTestId('undone-by').textContent).toContain('HorizontalPodAutoscaler ledger');
    fireEvent.click(screen.getByTestId('take-over'));
    await at('rehearse', 'ready');
    expect(why()).toContain('What is taken over changed');
    fireEvent.click(next());
    await at('approve', 'ready');
    expect(sent(client, 'wb_rehearse').at(-1)!['takeOver']).toEqual(['Deployment/ledger:.spec.replicas']);
    fireEvent.click(next());
    await at('apply', 'ready');
    fireEvent.click(next());
    await at('apply', 'done');
    expect(sent(client, 'wb_apply')[0]!['takeOver']).toEqual(['Deployment/ledger:.spec.replicas']);
  });

  test('what the cluster has already is not applied', async () => {
    await rehearsed((text) => text);
    await at('approve', 'blocked');
    expect(why()).toContain('prod-eu has all of this already');
  });

  test('what moved meanwhile goes back to the person', async () => {
    const { client } = await rehearsed(newImage);
    await at('approve');
    fireEvent.click(next());
    await at('apply', 'ready');
    client.bench.live.set('Deployment/ledger', 'somebody: else\n');
    fireEvent.click(next());
    await at('rehearse', 'ready');
    expect(why()).toContain('Nothing was changed');
    expect(within(screen.getByTestId('rehearsal')).getByTestId('fault').textContent).toContain('rehearsal_stale');
  });

  test('who says no is asked again, without another rehearsal', async () => {
    const { client } = await rehearsed(newImage);
    await at('approve');
    fireEvent.click(next());
    await at('apply', 'ready');
    client.failNext('wb_apply', fault('denied', 'person_denied', { en: 'mira said no', zh: 'mira 拒绝' }, { en: '', zh: '' }));
    fireEvent.click(next());
    await waitFor(() => expect(why()).toContain('Mira said no'));
    await at('apply', 'ready');
  });

  test('a rehearsal that takes long is given up, in the core too', async () => {
    let waiting: (() => void)[] = [];
    const { client } = await ledger((client) => (waiting = holding(client, 'wb_rehearse')));
    await type(newImage((await box()).value));
    await at('rehearse', 'ready');
    fireEvent.click(next());
    await at('rehearse', 'busy');
    await press('bench-cancel');
    await at('rehearse', 'ready');
    const { ask } = sent(client, 'wb_rehearse')[0]!;
    expect(sent(client, 'kube_cancel')).toContainEqual({ id: ask });
    await act(async () => waiting.forEach((free) => free()));
    expect(screen.queryByTestId('rehearsal')).toBeNull();
  });

  test('a change that waits counts down, and is confirmed or taken back at once', async () => {
    const { client, user } = await rehearsed(newImage);
    await at('approve');
    await user.click(screen.getByTestId('bench-within'));
    await user.click(await screen.findByRole('option', { name: 'Back in 10 min' }));
    fireEvent.click(next());
    await at('apply', 'ready');
    fireEvent.click(next());
    const wait = await byId('bench-wait');
    expect(sent(client, 'wb_apply')[0]!['confirmWithin']).toBe(600);
    expect(wait.textContent).toMatch(/goes back in (10:0\d|9:5\d)/);
    fireEvent.click(screen.getByTestId('wait-confirm'));
    await waitFor(() => expect(screen.queryByTestId('bench-wait')).toBeNull());
    expect(client.bench.changes[0]!.state).toBe('applied');
  });

  test('why a rollout is stuck is said', async () => {
    const { user } = await rehearsed((text) => text.replace('ledger:1.0', 'broken:9'));
    await at('approve');
    fireEvent.click(next());
    await at('apply', 'ready');
    fireEvent.click(next());
    expect((await byId('rollout-reason')).textContent).toContain('ImagePullBackOff');
    expect(screen.getByTestId('rollout').dataset['state']).toBe('failed');
    await user.click(screen.getByTestId('bench-history'));
    expect((await screen.findAllByTestId('kept'))[0]!.dataset['state']).toBe('applied');
  });

  test('what others changed since is undone only after a clear warning', async () => {
    const { client } = await open({ hash: '#/workbench?tab=history', change: (client) => (client.bench.meddled = true) });
    await press('kept-undo');
    expect((await byId('fault')).textContent).toContain('somebody changed');
    await press('undo-force');
    expect(sent(client, 'wb_undo').map((req) => req['force'])).toEqual([false]);
    await press('confirm-yes');
    await waitFor(() => expect(sent(client, 'wb_undo').map((req) => req['force'])).toEqual([false, true]));
    await waitFor(() => expect(screen.getAllByTestId('kept')[0]!.dataset['state']).toBe('undone'));
  });
});

describe('checking', () => {
  test('waits until typing rests, and drops answers about an older text', async () => {
    let waiting: (() => void)[] = [];
    const { client } = await open({ hash: '#/workbench', change: (client) => (waiting = holding(client, 'wb_check')) });
    await press('empty-write');
    await type(`${MAP}replicsa: 1\n`);
    await waitFor(() => expect(waiting).toHaveLength(1));
    await type(MAP);
    await waitFor(() => expect(waiting).toHaveLength(2));
    expect(sent(client, 'kube_cancel')).toContainEqual({ id: sent(client, 'wb_check')[0]!['ask'] });
    await act(async () => waiting[1]!());
    await waitFor(() => expect(screen.getByTestId('problems-summary').textContent).toContain('No problems'));
    await act(async () => waiting[0]!());
    await act(async () => new Promise((done) => setTimeout(done, 30)));
    expect(screen.getByTestId('problems-summary').textContent).toContain('No problems');
    expect(screen.queryByTestId('problem')).toBeNull();
  });

  test('shows problems with their rule and place; a click goes there, a fix edits the text', async () => {
    const { client } = await ledger();
    await type((await box()).value.replace('replicas:', 'replicsa:'));
    const problem = await byId('problem');
    expect(problem.textContent).toContain('schema.unknown');
    expect(problem.textContent).toContain('One of: replicas');
    expect((await box()).dataset['marks']).toBe('9:3-9:11 error');
    fireEvent.click(within(problem).getAllByRole('button')[0]!);
    expect((await box()).dataset['line']).toBe('9');
    fireEvent.click(screen.getByTestId('problem-fix'));
    await waitFor(async () => expect((await box()).value).toContain('\n  replicas: 3'));
    expect(sent(client, 'wb_fix')[0]).toMatchObject({ document: 1, path: 'spec.replicsa' });
    await waitFor(() => expect(screen.queryByTestId('problem')).toBeNull());
  });

  test('a fix of a text that is no more is not made', async () => {
    let waiting: (() => void)[] = [];
    await ledger((client) => (waiting = holding(client, 'wb_fix')));
    await type((await box()).value.replace('replicas:', 'replicsa:'));
    fireEvent.click(await byId('problem-fix'));
    await waitFor(() => expect(waiting).toHaveLength(1));
    await type(`# first\n${(await box()).value}`);
    await act(async () => waiting[0]!());
    expect((await byId('toast')).textContent).toContain('changed meanwhile');
    expect((await box()).value).toContain('replicsa');
  });

  test('five megabytes are taken without checking them by themselves', async () => {
    const { client } = await open({ hash: '#/workbench' });
    await byId('bench-empty');
    const many = `${MAP}---\n`.repeat(Math.ceil((5 * 1024 * 1024) / (MAP.length + 4)));
    const paste = new Event('paste', { bubbles: true, cancelable: true });
    Object.assign(paste, { clipboardData: { getData: () => many } });
    const begun = performance.now();
    act(() => void window.dispatchEvent(paste));
    await byId('bench-large');
    expect(performance.now() - begun).toBeLessThan(3000);
    await at('validate', 'ready');
    expect(why()).toContain('when you ask for it');
    expect(sent(client, 'wb_check')).toEqual([]);
    fireEvent.click(next());
    await waitFor(() => expect(sent(client, 'wb_check')).toHaveLength(1));
    expect((sent(client, 'wb_check')[0]!['text'] as string).length).toBe(many.length);
  });

  test('levels of rules are set for the chosen cluster, and the text is judged anew', async () => {
    const { client, user } = await ledger();
    await type((await box()).value.replace('ledger:1.0', 'ledger:latest'));
    await waitFor(() => expect(screen.getByTestId('problem').dataset['severity']).toBe('warning'));
    await user.click(within(screen.getByTestId('rules')).getByText('Rules for prod-eu'));
    const rule = await waitFor(() => screen.getAllByTestId('rule').find((one) => one.dataset['key'] === 'lint.image-tag')!);
    await user.click(within(rule).getByText('Block'));
    await waitFor(() => expect(sent(client, 'wb_rule_set')).toEqual([{ cluster: 'cl-prod', id: 'lint.image-tag', level: 'block' }]));
    await waitFor(() => expect(screen.getByTestId('problem').dataset['severity']).toBe('error'));
    await at('validate', 'blocked');
    expect(screen.getAllByTestId('rule').find((one) => one.dataset['key'] === 'schema.unknown')!.textContent).toContain('always');
  });

  test('several documents have an outline that goes to them', async () => {
    await open({ hash: '#/workbench' });
    await press('empty-write');
    await type(`${MAP}---\n${MAP.replace('flags', 'other')}`);
    await waitFor(() => expect(screen.getAllByTestId('outline-part').map((one) => one.textContent)).toEqual(['ConfigMapflags', 'ConfigMapother']));
    fireEvent.click(screen.getAllByTestId('outline-part')[1]!);
    expect((await box()).dataset['line']).toBe('7');
  });
});

describe('a Secret', () => {
  const SECRET = '#/workbench?cluster=cl-prod&api=v1&kind=Secret&ns=payments&name=ledger-db';

  test('is opened without its masked values, and offers its keys to be written', async () => {
    const { client } = await open({ hash: SECRET });
    const keys = await byId('secret-keys');
    expect((await box()).value).not.toContain('******');
    expect((await box()).value).not.toMatch(/^data:/m);
    fireEvent.click(within(keys).getByText('password'));
    expect((await box()).value).toContain('stringData:\n  password: ""\n');
    fireEvent.click(within(keys).getByText('username'));
    expect((await box()).value).toContain('stringData:\n  username: ""\n  password: ""\n');
    await at('rehearse', 'ready');
    expect(JSON.stringify(client.calls)).not.toContain('******');
  });

  test('with masked values in its text goes nowhere', async () => {
    const { client } = await open({ hash: SECRET });
    await type(`${(await box()).value}data:\n  password: '******'\n`);
    await at('validate', 'blocked');
    expect(why()).toContain('1 masked value stands in the Secret ledger-db');
    expect((await byId('masked')).textContent).toContain('password');
    fireEvent.keyDown(window, { key: 'Enter', ctrlKey: true });
    expect(sent(client, 'wb_rehearse')).toEqual([]);
  });
});

describe('objects, files, templates', () => {
  test('an object comes from the Explorer, and what is gone is said', async () => {
    const { user, client } = await open({ hash: '#/clusters/cl-prod/explore/deployments.apps?ns=payments&name=ledger&in=payments' });
    await user.click(await byId('object-edit'));
    expect((await box()).value).toContain('kind: Deployment');
    expect(window.location.hash).toBe('#/workbench');
    expect(sent(client, 'wb_live')[0]).toMatchObject({ cluster: 'cl-prod', namespace: 'payments' });
    await go('#/workbench?cluster=cl-prod&api=apps%2Fv1&kind=Deployment&ns=payments&name=nobody');
    expect((await byId('bench-fault')).textContent).toContain('not in the cluster any more');
    expect((await box()).value).toContain('name: ledger');
  });

  test('cannot be edited where the cluster is read-only', async () => {
    await open({
      hash: '#/clusters/cl-prod/explore/deployments.apps?ns=payments&name=ledger&in=payments',
      change: (client) => {
        client.world.clusters = client.world.clusters.map((one) => (one.view.id === 'cl-prod' ? { ...one, view: { ...one.view, readOnly: true } } : one));
      },
    });
    const button = (await byId('object-edit')) as HTMLButtonElement;
    expect(button.disabled).toBe(true);
    expect(button.parentElement!.title).toContain('read-only');
  });

  test('a file is opened, marked when it changed, and written', async () => {
    const { client } = await open({ hash: '#/workbench' });
    await byId('bench-empty');
    fireEvent.keyDown(window, { key: 'o', ctrlKey: true });
    expect((await byId('bench-file')).dataset['state']).toBe('saved');
    await type(newImage((await box()).value));
    expect(screen.getByTestId('bench-file').dataset['state']).toBe('changed');
    fireEvent.keyDown(window, { key: 's', ctrlKey: true });
    await waitFor(() => expect(screen.getByTestId('bench-file').dataset['state']).toBe('saved'));
    expect(client.bench.files.get('/home/mira/work/ledger.yaml')).toContain('ledger:1.1');
  });

  test('a file that somebody else changed is not written over', async () => {
    const { client } = await open({ hash: '#/workbench' });
    await press('empty-open');
    await type(newImage((await box()).value));
    client.failNext('wb_save', fault('config', 'file_changed', { en: 'ledger.yaml was changed on disk since it was read', zh: 'ledger.yaml 读取后在磁盘上有修改' }, { en: '', zh: '' }));
    fireEvent.click(screen.getByTestId('bench-save'));
    expect((await byId('bench-fault')).textContent).toContain('changed on disk');
    fireEvent.click(screen.getByTestId('save-elsewhere'));
    await waitFor(() => expect(sent(client, 'wb_save').at(-1)!['path']).toBeNull());
  });

  test('a file can be dropped; what is no text is refused', async () => {
    await open({ hash: '#/workbench' });
    const page = await byId('workbench');
    const drop = (name: string, parts: BlobPart[]) => {
      const file = new File(parts, name);
      file.arrayBuffer = () => new Blob(parts).arrayBuffer?.() ?? Promise.resolve(new Uint8Array([255, 254, 0]).buffer);
      fireEvent.drop(page, { dataTransfer: { types: ['Files'], files: [file] } });
    };
    drop('picture.png', [new Uint8Array([0xff, 0xd8, 0xff, 0x00])]);
    expect((await byId('bench-fault')).textContent).toContain('picture.png');
  });

  test('a template is a beginning; formatting keeps what it says', async () => {
    const { user } = await open({ hash: '#/workbench' });
    await user.click(await byId('empty-template'));
    await user.click((await screen.findAllByTestId('bench-template'))[1]!);
    expect((await box()).value).toContain('kind: ConfigMap');
    await type((await box()).value + '\n\n');
    await press('bench-format');
    await waitFor(async () => expect((await box()).value.endsWith('hello\n')).toBe(true));
    await type(`\t${(await box()).value}`);
    await press('bench-format');
    expect((await byId('bench-fault')).textContent).toContain('cannot be formatted');
  });
});

describe('drafts', () => {
  test('are saved as one types, under the name of their first object, and outlive the page', async () => {
    const { client, user } = await ledger();
    await type(newImage((await box()).value));
    await waitFor(() => expect(screen.getByTestId('draft-state').dataset['state']).toBe('saved'));
    expect(screen.getByTestId('draft-state').textContent).toMatch(/Saved \d\d:\d\d/);
    expect(sent(client, 'wb_draft_save')[0]).toMatchObject({ id: null, name: 'Deployment/ledger', cluster: 'cl-prod', namespace: 'payments' });
    await go('#/servers');
    await go('#/workbench');
    expect((await box()).value).toContain('ledger:1.1');
    await type((await box()).value.replace('1.1', '1.2'));
    await waitFor(() => expect(sent(client, 'wb_draft_save')).toHaveLength(2));
    expect(sent(client, 'wb_draft_save')[1]!['id'], 'the same draft').not.toBeNull();
    await user.click(screen.getByTestId('bench-drafts'));
    await waitFor(() => expect(screen.getAllByTestId('draft')).toHaveLength(2));
  });

  test('that cannot be saved say why, and their text is not replaced behind one’s back', async () => {
    const broken = fault('storage', 'disk_full', { en: 'the disk is full', zh: '磁盘已满' }, { en: 'Make room.', zh: '请腾出空间。' });
    const { client, user } = await ledger((client) => {
      const answer = client.call.bind(client);
      client.call = (name, req, say) => (name === 'wb_draft_save' ? Promise.reject(broken) : answer(name, req, say));
    });
    await type(newImage((await box()).value));
    await waitFor(() => expect(screen.getByTestId('draft-state').dataset['state']).toBe('failed'));
    expect(screen.getByTestId('draft-state').textContent).toContain('the disk is full');
    await user.click(screen.getByTestId('bench-new'));
    await user.click(await byId('bench-blank'));
    const question = await screen.findByRole('dialog', { name: 'Replace this text?' });
    expect((await box()).value).toContain('ledger:1.1');
    await user.click(within(question).getByText('Keep it'));
    expect((await box()).value).toContain('ledger:1.1');
    expect(client.calls.some((call) => call.name === 'wb_draft_save')).toBe(false);
  });

  test('have versions that come back, a name, and are deleted when that is meant', async () => {
    const { client, user } = await open({ hash: '#/workbench?tab=drafts' });
    await user.click(await byId('draft-versions'));
    await user.click((await screen.findAllByTestId('draft-restore'))[1]!);
    expect((await box()).value).toContain('replicas: 1');
    await waitFor(() => expect(client.bench.drafts.get('draft-1')!.all.at(-1)!.text).toContain('replicas: 1'));
    expect(client.bench.drafts.get('draft-1')!.all).toHaveLength(3);
    const name = (await byId('draft-name')) as HTMLInputElement;
    await user.clear(name);
    await user.type(name, 'cart, smaller{Enter}');
    await waitFor(() => expect(client.bench.drafts.get('draft-1')!.name).toBe('cart, smaller'));
    await user.click(screen.getByTestId('draft-remove'));
    await user.click(await byId('confirm-yes'));
    await byId('no-drafts');
    expect((await box()).value).toContain('replicas: 1');
  });
});

describe('the difference', () => {
  test('is of what lives and the draft; with a rehearsal also of its result', async () => {
    const { client, user } = await ledger();
    await type(newImage((await box()).value));
    await at('rehearse', 'ready');
    await user.click(screen.getByTestId('bench-diff'));
    const lines = async () => (await byId('split-diff')).textContent!;
    await waitFor(async () => expect(await lines()).toContain('ledger:1.1'));
    expect(await lines()).toContain('1 gone, 1 new');
    expect(screen.getByTestId('diff-no-result').textContent).toContain('Rehearse to see');
    await user.click(screen.getAllByTestId('diff-unfold')[0]!);
    expect(await lines()).toContain('apiVersion: apps/v1');
    fireEvent.click(next());
    await byId('rehearsal');
    await user.click(screen.getByTestId('bench-diff'));
    await user.click(await screen.findByText('Live ↔ Result'));
    expect(await lines()).toContain('ledger:1.0');
    expect(screen.getByTestId('field').textContent).toContain('ledger:1.1');
    expect(sent(client, 'wb_live')).toHaveLength(2);
  });
});

test('the Workbench in Chinese', async () => {
  const { user } = await open({ hash: LEDGER, lang: 'zh' });
  await type(newImage((await box()).value));
  await at('rehearse', 'ready');
  expect(next().textContent).toContain('排演');
  expect(screen.getByTestId('step-apply').textContent).toContain('应用');
  fireEvent.click(next());
  await at('approve', 'ready');
  expect(next().textContent).toBe('批准 1 项更改');
  await user.click(screen.getByTestId('bench-history'));
  await waitFor(() => expect(screen.getAllByTestId('kept')[0]!.textContent).toContain('撤销'));
  await user.click(screen.getByTestId('bench-drafts'));
  await waitFor(() => expect(screen.getAllByTestId('draft')[0]!.textContent).toContain('版本'));
});

test('the page is in the sidebar, behind g w, and in the palette', async () => {
  const { user } = await open();
  expect((await byId('nav-workbench')).title).toContain('g w');
  await user.keyboard('gw');
  await byId('bench-empty');
  await user.click(screen.getByTestId('palette-open'));
  await user.type(await byId('palette-input'), 'undo what');
  await waitFor(() => expect(screen.getAllByTestId('palette-item')[0]!.textContent).toContain('Undo what was applied'));
  await user.keyboard('{Enter}');
  await waitFor(() => expect(screen.getAllByTestId('kept').length).toBeGreaterThan(0));
});

describe('rules about texts', () => {
  test('a masked value is one only in a Secret', () => {
    const text = `${MAP}  c: '******'\n---\napiVersion: v1\nkind: Secret\nmetadata:\n  name: s\ndata:\n  a.b: "******"\n  c: '*****'\n`;
    expect(maskedIn(text, outlineOf(text))).toEqual([{ line: 14, key: 'a.b', name: 's' }]);
  });

  test('a Secret without its masked values says nothing about data', () => {
    const { text, keys } = withoutMasked("kind: Secret\nmetadata:\n  annotations:\n    kubectl.kubernetes.io/last-applied-configuration: '******'\n  name: s\ntype: Opaque\ndata:\n  a: '******'\n");
    expect(text).toBe('kind: Secret\nmetadata:\n  name: s\ntype: Opaque\n');
    expect(keys).toEqual(['a']);
  });

  test('a new value goes under stringData, its key quoted where it must be', () => {
    expect(valueEdit('a: 1', 'x').insert).toBe('\nstringData:\n  x: ""\n');
    expect(valueEdit('', 'true').insert).toContain('"true": ""');
    expect(valueEdit('stringData:\n  y: z\n', 'x')).toEqual({ from: 11, to: 11, insert: '\n  x: ""' });
  });

  test('names', () => {
    expect(nameOf(outlineOf(`${MAP}---\n${MAP}`))).toBe('ConfigMap/flags + 1');
    expect(nameOf([])).toBeNull();
    expect(naming({ apiVersion: 'v1', kind: 'Node', namespace: null, name: 'a"b' })).toBe('apiVersion: "v1"\nkind: "Node"\nmetadata:\n  name: "a\\"b"\n');
  });
});

vi.setConfig({ testTimeout: 60_000 });
