import { act, screen, waitFor } from '@testing-library/react';
import { describe, expect, test } from 'vitest';
import { question } from '@/ipc/fake/world';
import { byId, open } from '../../../test/window';
import { asksForSecrets, hostOf, odd } from './wary';

const answered = async (client: Awaited<ReturnType<typeof open>>['client']) => {
  await waitFor(() => expect(client.calls.some((call) => call.name === 'question_answer')).toBe(true));
  return (client.calls.find((call) => call.name === 'question_answer')!.req as { answer: unknown }).answer;
};

describe('an approval', () => {
  test('shows who, what, where, exactly, and until when', async () => {
    await open({ ask: ['call'] });
    const text = (await byId('question')).textContent!;
    for (const part of ['deployments_scale', 'k8s-prod-eu', 'Medium', 'default-window-medium', '"replicas": 6']) expect(text).toContain(part);
    expect(screen.getByTestId('question-countdown').textContent).toMatch(/1:\d\d left/);
  });

  test.each([
    ['question-allow', { answer: 'yes', scope: 'once' }],
    ['question-allow-session', { answer: 'yes', scope: 'session' }],
    ['question-allow-always', { answer: 'yes', scope: 'always' }],
  ])('%s', async (button, answer) => {
    const { user, client } = await open({ ask: ['call'] });
    await user.click(await byId(button));
    expect(await answered(client)).toEqual(answer);
    await waitFor(() => expect(screen.queryByTestId('question')).toBeNull());
  });

  test('a no may say why', async () => {
    const { user, client } = await open({ ask: ['call'] });
    await user.click(await byId('question-deny'));
    await user.type(await byId('question-reason'), 'not today');
    await user.click(screen.getByTestId('question-deny-confirm'));
    expect(await answered(client)).toEqual({ answer: 'no', reason: 'not today' });
  });

  test('what is of high risk is allowed for that one call only, as the core holds it', async () => {
    await open({ ask: ['high'] });
    await byId('question');
    expect(screen.queryByTestId('question-allow-always')).toBeNull();
    expect(screen.queryByTestId('question-allow-session')).toBeNull();
    expect(screen.getByTestId('question-allow')).toBeTruthy();
  });

  test('Later and Escape answer nothing', async () => {
    const { user, client } = await open({ ask: ['call'] });
    await byId('question');
    await user.keyboard('{Escape}');
    await waitFor(() => expect(screen.queryByTestId('question')).toBeNull());
    expect(client.calls.some((call) => call.name === 'question_answer')).toBe(false);
    await user.click(await byId('status-questions'));
    expect(await byId('question')).toBeTruthy();
  });

  test('a dialog that appears does not take a key meant for something else', async () => {
    const { client, user } = await open();
    await user.click(await byId('server-search'));
    act(() => client.emit({ event: 'question', question: { ...question('high', Date.now()), id: 'q-new' } }));
    await byId('question');
    await user.keyboard(' {Enter}');
    const answers = client.calls.filter((call) => call.name === 'question_answer').map((call) => (call.req as { answer: { answer: string } }).answer.answer);
    expect(answers).not.toContain('yes');
  });
});

test('several wait in a queue, with their number', async () => {
  const { user, client } = await open({ ask: ['call', 'start', 'form'] });
  expect((await byId('question')).textContent).toContain('2 more waiting');
  await user.click(screen.getByTestId('question-allow'));
  await waitFor(() => expect(screen.getByTestId('question').getAttribute('data-kind')).toBe('start'));
  expect(screen.getByTestId('question').textContent).toContain('1 more waiting');
  expect(client.calls.filter((call) => call.name === 'question_answer')).toHaveLength(1);
});

test('a question that went away is taken away', async () => {
  const { client } = await open({ ask: ['call'] });
  await byId('question');
  act(() => {
    client.world.questions = [];
    client.emit({ event: 'question_gone', id: 'q-0-call' });
  });
  await waitFor(() => expect(screen.queryByTestId('question')).toBeNull());
});

test('a program is shown with its whole command line and what is risky about it', async () => {
  const { user, client } = await open({ ask: ['start'] });
  const text = (await byId('question')).textContent!;
  expect(text).toContain('uvx mcp-server-time --local-timezone Europe/Berlin');
  expect(text).toContain('downloads the package at each start');
  for (const part of ['In the folder', '/home/mira/clocks', 'With the variables', 'TZDATA_DIR, KUBECONFIG']) expect(text).toContain(part);
  await user.click(screen.getByTestId('question-allow-always'));
  expect(await answered(client)).toEqual({ answer: 'yes', scope: 'always' });
});

test('a program without a folder or variables of its own says so, in Chinese too', async () => {
  const { user } = await open({ ask: ['start'], change: (fake) => Object.assign(fake.world.questions[0]!.matter, { program: { cwd: null, variables: [] } }) });
  const asked = await byId('question');
  expect(asked.textContent).toContain('The folder that Pilothouse was started in');
  expect(asked.textContent).toContain('None of its own');
  await user.click(await byId('question-later'));
  await user.click(await byId('lang-toggle'));
  await user.click(await byId('status-questions'));
  expect((await byId('question')).textContent).toContain('启动 Pilothouse 时所在的目录');
});

describe('a server’s own question', () => {
  test('is labelled as the server’s, and its form is sent as data', async () => {
    const { user, client } = await open({ ask: ['form'] });
    expect((await byId('question')).textContent).toContain('Asked by server "everything"');
    await user.click(document.querySelector<HTMLInputElement>('[data-field="environment"] input')!);
    await user.click(await screen.findByText('staging'));
    await user.click(screen.getByTestId('question-allow'));
    expect(await answered(client)).toEqual({ answer: 'data', data: { environment: 'staging' } });
  });

  test('that asks for a secret cannot be answered', async () => {
    await open({ ask: ['secret_form'] });
    expect((await byId('question-secrets')).textContent).toContain('password');
    expect(screen.getByTestId('question-allow')).toHaveProperty('disabled', true);
    expect(screen.queryByTestId('question-form')).toBeNull();
  });

  test('to open a page shows host and whole address, and opens nothing by itself', async () => {
    const { user, client } = await open({ ask: ['visit'] });
    const text = (await byId('question')).textContent!;
    expect(text).toContain('portal.example.net');
    expect(text).toContain('https://portal.example.net/approve?request=81f0a2&return=none');
    expect(document.querySelector('[data-testid="question"] a')).toBeNull();
    await user.click(screen.getByTestId('question-allow'));
    expect(await answered(client)).toEqual({ answer: 'yes', scope: 'once' });
    expect(client.calls.some((call) => call.name === 'open_page')).toBe(false);
  });

  test('for a reply is answered by the person', async () => {
    const { user, client } = await open({ ask: ['sample'] });
    await user.type(await byId('question-reply'), 'All is well.');
    await user.click(screen.getByTestId('question-allow'));
    expect(await answered(client)).toMatchObject({ answer: 'data', data: { role: 'assistant', content: { type: 'text', text: 'All is well.' } } });
  });
});

describe('being wary', () => {
  test.each([
    ['password', { type: 'string' }, true],
    ['apiKey', { type: 'string' }, true],
    ['x', { type: 'string', format: 'password' }, true],
    ['x', { type: 'string', title: '密码' }, true],
    ['max_tokens', { type: 'integer' }, false],
    ['environment', { type: 'string' }, false],
  ])('%s %o', (name, field, secret) => expect(asksForSecrets({ type: 'object', properties: { [name]: field } }).length > 0).toBe(secret));

  test.each([
    ['https://a.example/x', 'a.example'],
    ['http://127.0.0.1:8080/', '127.0.0.1:8080'],
    ['http://a.example/', null],
    ['javascript:alert(1)', null],
    ['file:///etc/passwd', null],
    ['not an address', null],
  ])('%s', (url, host) => expect(hostOf(url)).toBe(host));

  test('unusual addresses are named', () => {
    expect(odd('https://xn--pple-43d.com/')).toBe('punycode');
    expect(odd('https://bank.example@evil.example/')).toBe('userinfo');
    expect(odd('https://203.0.113.9/')).toBe('number');
    expect(odd('https://a.example/')).toBeNull();
  });
});

describe('a program that wants a credential', () => {
  test('is shown with its whole path, its hash, the cluster and the server; production is said', async () => {
    await open({ ask: ['credential'] });
    const text = (await byId('question')).textContent!;
    for (const part of ['/home/mira/.local/share/mise/installs/kubectl/1.34.2/bin/kubectl', '3f7a1c0d', 'prod-eu', 'production by its name', 'https://10.20.0.4:6443']) expect(text).toContain(part);
    expect(screen.getAllByTestId('question-cluster')[0]!.className).toContain('ph-tone-bad');
    expect(screen.queryByTestId('question-allow-session')).toBeNull();
  });

  test.each([
    ['question-allow', { answer: 'yes', scope: 'once' }],
    ['question-allow-quarter', { answer: 'yes', scope: 'quarter' }],
    ['question-allow-always', { answer: 'yes', scope: 'always' }],
    ['question-deny', { answer: 'no', reason: '' }],
  ])('%s', async (button, answer) => {
    const { user, client } = await open({ ask: ['credential'] });
    await user.click(await byId(button));
    expect(await answered(client)).toEqual(answer);
  });
});
