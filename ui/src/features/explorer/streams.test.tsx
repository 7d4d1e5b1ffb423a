import { act, fireEvent, screen, waitFor, within } from '@testing-library/react';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { byId, open } from '../../../test/window';
import type { FakeClient } from '@/ipc/fake';
import type { KubeLogBatch } from '@/ipc/bindings';
import { found, hue, Lines, pieces, plain } from './streams';

/** A screen that keeps what is written, and types what it is told. */
const screens = vi.hoisted(() => [] as { text: string; type: (text: string) => void; size: (columns: number, rows: number) => void; gone: boolean }[]);
vi.mock('./screen', () => ({
  openScreen: (_into: HTMLElement, _dark: boolean, heard: { typed: (text: string) => void; sized: (columns: number, rows: number) => void }) => {
    const one = { text: '', type: heard.typed, size: heard.sized, gone: false };
    screens.push(one);
    return {
      write: (bytes: Uint8Array, drawn: () => void) => {
        one.text += new TextDecoder().decode(bytes);
        drawn();
      },
      focus: () => undefined,
      size: () => ({ columns: 90, rows: 20 }),
      dispose: () => {
        one.gone = true;
      },
    };
  },
}));

afterEach(() => {
  screens.length = 0;
  vi.useRealTimers();
});

const sent = (client: FakeClient, name: string) => client.calls.filter((call) => call.name === name).map((call) => call.req as Record<string, unknown>);
const at = (kind: string, name: string, tab: string) => `#/clusters/cl-prod/explore/${kind}?name=${name}&in=payments&tab=${tab}`;
const lines = () => screen.getAllByTestId('log-line').map((one) => one.textContent ?? '');


/** Any pod that the fake has. */
async function pod(): Promise<string> {
  const view = await open({ hash: '#/clusters/cl-prod/explore/pods?ns=payments' });
  await waitFor(() => expect(screen.getAllByTestId('object-row').length).toBeGreaterThan(0));
  const name = screen.getAllByTestId('object-row')[0]!.dataset['key']!.split('\n')[1]!;
  view.unmount();
  return name;
}

/** Logs that come when the test says so. */
function speaking(client: FakeClient) {
  const answer = client.call.bind(client);
  let say: (batch: KubeLogBatch) => void = () => undefined;
  client.call = async (name, req, onMessage) => {
    if (name !== 'kube_logs') return answer(name, req, onMessage);
    client.calls.push({ name, req });
    say = onMessage as never;
    return new Promise(() => undefined);
  };
  return (batch: KubeLogBatch) => act(() => say(batch));
}

const batch = (n: number, texts: string[], more: Partial<KubeLogBatch> = {}): KubeLogBatch => ({ n, sources: null, notes: [], lines: texts.map((text) => ({ pod: 'p', container: 'c', at: '2026-01-01T00:00:00Z', text })), ...more });

describe('logs', () => {
  test('of a workload come from all its pods, each with its name beside its colour, and end when nobody looks', async () => {
    const { client, user } = await open({ hash: at('deployments.apps', 'ledger', 'logs') });
    await byId('logs');
    await waitFor(() => expect(lines().length).toBeGreaterThan(5));
    expect(sent(client, 'kube_logs')[0]).toMatchObject({ kind: 'deployments.apps', name: 'ledger', namespace: 'payments', follow: true, previous: false, tail: 500, sinceSecs: null, container: null, allContainers: false });
    expect(lines().some((line) => line.startsWith('ledger-1'))).toBe(true);
    expect(lines().some((line) => line.startsWith('ledger-2'))).toBe(true);
    await waitFor(() => expect(sent(client, 'kube_taken')).toEqual([{ ask: sent(client, 'kube_logs')[0]!['ask'], n: 1 }]));
    await user.click(screen.getByTestId('logs-times'));
    expect(lines()[0]).toContain('2026-11-23T08:00:');
    await user.click(screen.getByTestId('tab-summary'));
    await waitFor(() => expect(sent(client, 'kube_cancel')).toEqual([{ id: sent(client, 'kube_logs')[0]!['ask'] }]));
  });

  test('of the run before, and of another container, are asked for anew', async () => {
    const name = await pod();
    const { client, user } = await open({ hash: at('pods', name, 'logs') });
    await waitFor(() => expect(lines().length).toBeGreaterThan(5));
    await user.click(screen.getByTestId('logs-previous'));
    await waitFor(() => expect(lines()[0]).toContain('before'));
    expect(sent(client, 'kube_logs').at(-1)).toMatchObject({ previous: true, follow: false });
    expect(sent(client, 'kube_cancel')).toHaveLength(1);
  });

  test('are searched, and one goes from find to find', async () => {
    const name = await pod();
    const { user } = await open({ hash: at('pods', name, 'logs') });
    await waitFor(() => expect(lines().length).toBeGreaterThan(5));
    await user.type(screen.getByTestId('logs-search'), 'orders/3 200');
    await waitFor(() => expect(screen.getByTestId('logs-found').textContent).toBe('1 of 1'));
    await user.clear(screen.getByTestId('logs-search'));
    await user.type(screen.getByTestId('logs-search'), 'GET');
    await waitFor(() => expect(screen.getByTestId('logs-found').textContent).toBe('1 of 60'));
    expect(screen.getByTestId('logs-lines').querySelectorAll('mark')[0]!.textContent).toBe('GET');
    await user.click(screen.getByTestId('logs-before'));
    expect(screen.getByTestId('logs-found').textContent).toBe('60 of 60');
    await user.click(screen.getByTestId('logs-next'));
    expect(screen.getByTestId('logs-found').textContent).toBe('1 of 60');
    await user.type(screen.getByTestId('logs-search'), 'nowhere');
    await waitFor(() => expect(screen.getByTestId('logs-found').textContent).toBe('Not found'));
  });

  test('stand still while somebody reads further up, and the core is not told that more was drawn', async () => {
    const name = await pod();
    let say: (batch: KubeLogBatch) => void = () => undefined;
    const { client, user } = await open({ hash: at('pods', name, 'logs'), change: (client) => (say = speaking(client)) });
    await waitFor(() => expect(sent(client, 'kube_logs')).toHaveLength(1));
    say(batch(1, ['one', 'two'], { sources: [{ pod: 'p', container: 'c' }] }));
    await waitFor(() => expect(lines()).toEqual(['one', 'two']));
    fireEvent.wheel(screen.getByTestId('logs-lines'), { deltaY: -10 });
    say(batch(2, ['three', 'four']));
    expect(screen.getByText('Paused while you read; 2 lines wait')).toBeTruthy();
    expect(lines()).toEqual(['one', 'two']);
    expect(sent(client, 'kube_taken').map((req) => req['n'])).toEqual([1]);
    await user.click(screen.getByTestId('logs-resume'));
    await waitFor(() => expect(lines()).toEqual(['one', 'two', 'three', 'four']));
    expect(sent(client, 'kube_taken').map((req) => req['n'])).toEqual([1, 2]);
    say(batch(3, [], { notes: [{ en: 'p/c: the connection was cut; it is taken up again where it was', zh: 'x' }] }));
    expect((await byId('logs-note')).textContent).toContain('taken up again');
  });

  test('that are too many leave the oldest out, and say so', async () => {
    const kept = new Lines();
    kept.add(batch(1, ['a', 'b', 'c']).lines, 4);
    kept.add(batch(2, ['d', 'e', 'f']).lines, 4);
    expect([kept.all.map((line) => line.text), kept.left]).toEqual([['c', 'd', 'e', 'f'], 2]);
    const name = await pod();
    let say: (batch: KubeLogBatch) => void = () => undefined;
    const { client } = await open({ hash: at('pods', name, 'logs'), change: (client) => (say = speaking(client)) });
    await waitFor(() => expect(sent(client, 'kube_logs')).toHaveLength(1));
    say(batch(1, Array.from({ length: 20_003 }, (_, nth) => `line ${nth}`), { sources: [{ pod: 'p', container: 'c' }] }));
    expect((await byId('logs-left')).textContent).toContain('3 older lines left out');
  });

  test('are written to a file, as shown or all of them', async () => {
    const name = await pod();
    const { client, user } = await open({ hash: at('pods', name, 'logs') });
    await waitFor(() => expect(lines().length).toBeGreaterThan(5));
    await user.click(screen.getByTestId('logs-save'));
    expect((await byId('logs-saved')).textContent).toContain(`/home/mira/${name}.log`);
    await user.click(screen.getByTestId('logs-save-all'));
    await waitFor(() => expect(sent(client, 'kube_logs_save')).toHaveLength(2));
    const [shown, whole] = sent(client, 'kube_logs_save');
    expect(String(shown!['text']).split('\n')[0]).toBe('GET /orders/0 200 in 0 ms');
    expect(whole!['text']).toBeNull();
  });

  test('are cut at what is searched for, whatever case it has', () => {
    expect(pieces('An error, ERROR', 'error')).toEqual(['An ', 'error', ', ', 'ERROR', '']);
    expect(pieces('plain', '')).toEqual(['plain']);
    expect(found([{ id: 0, pod: '', container: '', at: null, text: 'aXb' }], 'x')).toEqual([0]);
    expect(plain('\u001b[31mred\u001b[0m \u001b]0;title\u0007x')).toBe('red x');
    expect(hue('web-1')).toBe(hue('web-1'));
    expect(hue('web-1')).not.toBe(hue('web-2'));
  });
});

describe('a terminal', () => {
  test('opens when a person says so, types in order, tells its size, and says how it ended', async () => {
    const name = await pod();
    const { client, user } = await open({ hash: at('pods', name, 'terminal') });
    await byId('terminal-none');
    expect(sent(client, 'kube_exec')).toEqual([]);
    await user.click(screen.getByTestId('terminal-open'));
    await waitFor(() => expect(screens[0]?.text).toBe('$ '));
    expect(sent(client, 'kube_exec')[0]).toMatchObject({ pod: name, namespace: 'payments', columns: 90, rows: 20 });
    expect(String((sent(client, 'kube_exec')[0]!['command'] as string[])[2])).toContain('exec bash');
    act(() => {
      for (const letter of 'echo\r') screens[0]!.type(letter);
      screens[0]!.size(100, 30);
    });
    await waitFor(() => expect(screens[0]!.text).toContain('echo: ok'));
    const ask = sent(client, 'kube_exec')[0]!['ask'];
    await waitFor(() => expect(sent(client, 'kube_exec_input').at(-1)).toEqual({ ask, text: '', size: [100, 30] }));
    expect(sent(client, 'kube_exec_input').map((req) => req['text']).join('')).toBe('echo\r');
    expect(sent(client, 'kube_taken').length).toBeGreaterThan(0);
    await user.click(screen.getByTestId('tab-summary'));
    await user.click(screen.getByTestId('tab-terminal'));
    expect(screens[0]!.gone).toBe(false);
    act(() => screens[0]!.type('exit 3\r'));
    await waitFor(() => expect(screen.getByTestId('terminal-state').dataset['key']).toBe('ended'));
    expect(screen.getByTestId('terminal-state').textContent).toContain('exit code 3');
    await user.click(screen.getByTestId('terminal-open'));
    await waitFor(() => expect(screens).toHaveLength(2));
    expect(screens[0]!.gone).toBe(true);
  });

  test('that nobody looks at any more is ended', async () => {
    const name = await pod();
    const { client, user } = await open({ hash: at('pods', name, 'terminal') });
    await user.click(await byId('terminal-open'));
    await waitFor(() => expect(screens[0]?.text).toBe('$ '));
    await user.click(screen.getByTestId('object-close'));
    await waitFor(() => expect(sent(client, 'kube_cancel')).toEqual([{ id: sent(client, 'kube_exec')[0]!['ask'] }]));
    expect(screens[0]!.gone).toBe(true);
  });

  test('of a pod that forbids it says what is missing', async () => {
    const name = await pod();
    const { user } = await open({
      hash: at('pods', name, 'terminal'),
      change: (client) => client.failNext('kube_exec', { kind: 'denied', code: 'cluster_forbidden', message: { en: 'the cluster forbids user "ada" to create pods/exec', zh: 'x' }, hint: { en: '', zh: '' }, params: null, reference: null }),
    });
    await user.click(await byId('terminal-open'));
    expect((await byId('fault')).textContent).toContain('pods/exec');
  });
});

describe('a forward', () => {
  test('begins from a service with the port that it names, is listed with its address, and ends', async () => {
    const { client, user } = await open({ hash: at('services', 'ledger', 'forward') });
    await byId('forward-none');
    expect(screen.getByTestId<HTMLInputElement>('forward-ports').value).toBe('0:web');
    await user.click(screen.getByTestId('forward-begin'));
    const row = await byId('forward-row');
    expect(sent(client, 'kube_forward')).toEqual([{ cluster: 'cl-prod', namespace: 'payments', target: 'services/ledger', ports: ['0:web'] }]);
    expect(row.textContent).toMatch(/127\.0\.0\.1:\d+ → web/);
    await user.click(within(row).getByTestId('forward-browser'));
    expect(String(sent(client, 'open_page')[0]!['url'])).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/$/);
    await user.click(within(row).getByTestId('forward-stop'));
    await byId('forward-none');
  });

  test('of what is no port is not tried', async () => {
    const { client, user } = await open({ hash: at('services', 'ledger', 'forward') });
    const box = await byId('forward-ports');
    await user.clear(box);
    await user.type(box, '80:x:y');
    expect(screen.getByText('Such as 8080:80 or 0:http')).toBeTruthy();
    expect(screen.getByTestId<HTMLButtonElement>('forward-begin').disabled).toBe(true);
    expect(sent(client, 'kube_forward')).toEqual([]);
  });
});

describe('a value of a secret', () => {
  const secret = async () => {
    const view = await open({ hash: '#/clusters/cl-prod/explore/secrets?ns=payments' });
    await waitFor(() => expect(screen.getAllByTestId('object-row').length).toBeGreaterThan(0));
    const [namespace, name] = screen.getAllByTestId('object-row')[0]!.dataset['key']!.split('\n');
    view.unmount();
    return `#/clusters/cl-prod/explore/secrets?name=${name}&in=${namespace}`;
  };

  test('is shown one at a time and hidden again after half a minute', async () => {
    const { client, user } = await open({ hash: await secret() });
    await byId('reveal');
    expect(sent(client, 'kube_reveal')).toEqual([]);
    const row = (key: string) => screen.getAllByTestId('reveal-row').find((one) => one.dataset['key'] === key)!;
    await user.click(within(row('password')).getByTestId('reveal-show'));
    expect((await within(row('password')).findByTestId('reveal-value')).textContent).toBe('value-of-password');
    vi.useFakeTimers({ shouldAdvanceTime: true });
    await user.click(within(row('username')).getByTestId('reveal-show'));
    await within(row('username')).findByTestId('reveal-value');
    expect(screen.getAllByTestId('reveal-value')).toHaveLength(1);
    act(() => vi.advanceTimersByTime(30_001));
    await waitFor(() => expect(screen.queryByTestId('reveal-value')).toBeNull());
    expect(sent(client, 'kube_reveal').map((req) => req['key'])).toEqual(['password', 'username']);
  });

  test('that policy forbids stays hidden, and says why', async () => {
    const { user } = await open({ hash: await secret(), change: (client) => client.failNext('kube_reveal', { kind: 'denied', code: 'policy_denied', message: { en: 'a person said no', zh: 'x' }, hint: { en: '', zh: '' }, params: null, reference: 'a-1' }) });
    await byId('reveal');
    await user.click(screen.getAllByTestId('reveal-show')[0]!);
    expect((await byId('fault')).textContent).toContain('A person said no');
    expect(screen.queryByTestId('reveal-value')).toBeNull();
  });
});
