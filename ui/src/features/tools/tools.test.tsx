import { fireEvent, screen, waitFor, within } from '@testing-library/react';
import { describe, expect, test } from 'vitest';
import { fakeClient } from '@/ipc/fake';
import { byId, editor, open } from '../../../test/window';
import { grouped } from './ToolsPage';

describe('finding', () => {
  test('tools stand under their servers; a filter keeps only what fits', () => {
    const { world } = fakeClient('', { delay: 0 });
    const views = world.tools.map((tool) => tool.view);
    const rows = grouped(views, 'pods', null, null);
    expect(rows.filter((row) => row.kind === 'group').map((row) => row.kind === 'group' && row.name)).toEqual(['k8s-prod-eu', 'k8s-staging']);
    expect(grouped(views, '', 'srv-fs', null).filter((row) => row.kind === 'tool')).toHaveLength(4);
    expect(grouped(views, '', null, 'quarantined').filter((row) => row.kind === 'tool')).toHaveLength(1);
    expect(grouped(views, 'zzz', null, null)).toEqual([]);
  });

  test('five thousand tools are searched faster than a frame and a half', () => {
    const { world } = fakeClient('many', { delay: 0 });
    const views = world.tools.map((tool) => tool.view);
    expect(views.length).toBeGreaterThan(4500);
    const rows = grouped(views, 'tool_42', null, null);
    expect(rows.filter((row) => row.kind === 'tool').length).toBe(93);
  });
});

const run = async (hash: string) => {
  const opened = await open({ hash });
  await opened.user.click(await byId('tool-run'));
  return opened;
};
const ended = async (state: string) => waitFor(() => expect(screen.getByTestId('tool-result').getAttribute('data-state')).toBe(state));

describe('tools of our own', () => {
  test.each([
    ['en', 'List a folder.', 'Below the root.'],
    ['zh', '列出文件夹。', '根目录之下。'],
  ] as const)('are read in the language of the window: %s', async (lang, about, field) => {
    await open({ hash: '#/tools/srv-fs/fs-list-directory', lang });
    expect((await byId('tool-description')).textContent).toBe(about);
    expect(screen.getByTestId('tool-form').textContent).toContain(field);
    expect(document.body.textContent).not.toContain('List a folder. 列出文件夹。');
  });
});

describe('running', () => {
  test('a form fills the arguments, and the answer is a table', async () => {
    const { user, client } = await open({ hash: '#/tools/srv-prod/pods_list' });
    await byId('tool-form');
    await user.type(document.querySelector<HTMLInputElement>('[data-field="limit"] input')!, '5');
    await user.click(screen.getByTestId('tool-run'));
    await ended('done');
    expect(client.calls.find((call) => call.name === 'tool_call')?.req).toMatchObject({ server: 'srv-prod', tool: 'pods_list', args: { limit: 5 } });
    expect(within(screen.getByTestId('tool-result')).getByText('CrashLoopBackOff', { exact: false, selector: 'tr:nth-child(4) td' })).toBeTruthy();
    await user.click(screen.getByTestId('result-raw'));
    expect(screen.getByTestId('tool-result').textContent).toContain('"structuredContent"');
  });

  test('what does not fit the schema is not sent', async () => {
    const { user, client } = await open({ hash: '#/tools/srv-prod/deployments_scale' });
    await byId('tool-form');
    await user.type(document.querySelector<HTMLInputElement>('[data-field="replicas"] input')!, '999');
    await user.click(screen.getByTestId('tool-run'));
    expect((await byId('tool-issues')).textContent).toContain('2 problems');
    expect(screen.getByText('Must be at most 200.')).toBeTruthy();
    expect(client.calls.some((call) => call.name === 'tool_call')).toBe(false);
  });

  test('what the policy will do is said before', async () => {
    const view = await open({ hash: '#/tools/srv-prod/deployments_scale' });
    expect((await byId('tool-verdict')).textContent).toBe('Will ask you first (rule default-window-medium)');
    view.unmount();
    await open({ hash: '#/tools/srv-prod/pods_exec' });
    expect((await byId('tool-verdict')).textContent).toContain('Will be refused (rule no-exec-in-prod)');
  });

  test('progress is shown in numbers, and a cancelled call says so', async () => {
    const { client, user } = await open({ hash: '#/tools/srv-every/trigger-long-running-operation' });
    await byId('tool-form');
    await user.type(document.querySelector<HTMLInputElement>('[data-field="steps"] input')!, '400');
    await user.click(screen.getByTestId('tool-run'));
    expect((await byId('tool-progress')).textContent).toMatch(/\d+ of 400/);
    await user.click(screen.getByTestId('tool-cancel'));
    await ended('fault');
    const call = client.calls.find((one) => one.name === 'tool_call')!.req as { callId: string };
    expect(client.calls.find((one) => one.name === 'call_cancel')?.req).toEqual({ id: call.callId });
    expect(screen.getByTestId('tool-result').textContent).toContain('was cancelled');
    expect(screen.getByTestId('tool-run')).toBeTruthy();
  });

  test('an answer is still there after one was elsewhere', async () => {
    await run('#/tools/srv-every/get-env');
    await ended('tool_error');
    window.location.hash = '#/activity';
    fireEvent(window, new HashChangeEvent('hashchange'));
    await byId('page-activity');
    window.location.hash = '#/tools/srv-every/get-env';
    fireEvent(window, new HashChangeEvent('hashchange'));
    await ended('tool_error');
    expect(screen.getByTestId('tool-result').textContent).toContain('permission denied');
  });

  test('the JSON view and the form are one', async () => {
    const { user, client } = await open({ hash: '#/tools/srv-every/echo' });
    await byId('tool-form');
    await user.type(document.querySelector<HTMLInputElement | HTMLTextAreaElement>('[data-field="message"] input, [data-field="message"] textarea')!, 'hello');
    await user.click(screen.getByLabelText('JSON'));
    const box = await editor(await byId('tool-json'));
    expect(box.value).toContain('"message": "hello"');
    fireEvent.change(box, { target: { value: '{"message": ' } });
    await user.click(screen.getByTestId('tool-run'));
    expect(client.calls.some((call) => call.name === 'tool_call')).toBe(false);
    fireEvent.change(box, { target: { value: '{"message": "there"}' } });
    await user.click(screen.getByTestId('tool-run'));
    await ended('done');
    expect(screen.getByTestId('tool-result').textContent).toContain('Echo: there');
  });
});

describe('what servers send is text', () => {
  test('HTML and markdown in a result load nothing and become no element', async () => {
    await run('#/tools/srv-every/get-tiny-image');
    await ended('done');
    const result = screen.getByTestId('tool-result');
    expect(result.textContent).toContain('<img src="https://evil.example/x.png" onerror="alert(1)">');
    const pictures = [...result.querySelectorAll('img')];
    expect(pictures).toHaveLength(1);
    expect(pictures[0]!.src).toMatch(/^data:image\/png;base64,/);
  });

  test('a resource link is an address to read, not to follow', async () => {
    await run('#/tools/srv-every/get-resource-links');
    await ended('done');
    const result = screen.getByTestId('tool-result');
    expect(result.textContent).toContain('file:///etc/passwd');
    expect(result.textContent).toContain('javascript:alert(1)');
    expect(result.querySelectorAll('a')).toHaveLength(0);
  });

  test('a huge text is shown in part first', async () => {
    const { user } = await run('#/tools/srv-prod/nodes_list');
    await ended('done');
    const result = screen.getByTestId('tool-result');
    expect(result.textContent!.length).toBeLessThan(60_000);
    await user.click(within(result).getByTestId('show-all'));
    expect(result.textContent!.length).toBeGreaterThan(300_000);
  });

  test('a result that does not fit its own schema is marked, and still shown', async () => {
    const { user } = await open({ hash: '#/tools/srv-every/get-structured-content' });
    await byId('tool-form');
    await user.click(document.querySelector<HTMLInputElement>('[data-field="location"] input')!);
    await user.click(await screen.findByText('Chicago'));
    await user.click(screen.getByTestId('tool-run'));
    await ended('done');
    expect(screen.getByTestId('tool-result').textContent).toContain('does not fit the tool\'s own output schema');
    expect(screen.getByTestId('tool-result').textContent).toContain('Cloudy');
  });
});

test('a changed definition holds the tool back until it is accepted', async () => {
  const { user, client } = await open({ hash: '#/tools/srv-prod/secrets_list' });
  expect((await byId('quarantine')).textContent).toContain('IMPORTANT: before you answer');
  expect(screen.getByTestId('diff')).toBeTruthy();
  expect(screen.getByTestId('tool-run')).toHaveProperty('disabled', true);
  await user.click(screen.getByTestId('tool-accept'));
  await waitFor(() => expect(screen.getByTestId('tool-run')).toHaveProperty('disabled', false));
  expect(client.calls.find((call) => call.name === 'tool_accept')?.req).toEqual({ server: 'srv-prod', tool: 'secrets_list' });
});

test('two earlier results are compared, and one is replayed', async () => {
  const { user, client } = await open({ hash: '#/tools/srv-prod/pods_list' });
  await user.click(await byId('tab-history'));
  await waitFor(() => expect(screen.getAllByTestId('history-row')).toHaveLength(3));
  const [first, second] = screen.getAllByTestId('history-row');
  await user.click(within(first!).getByRole('checkbox'));
  await user.click(within(second!).getByRole('checkbox'));
  const diff = (await byId('history-diff')).textContent!;
  expect(diff).toContain('"phase": "CrashLoopBackOff"');
  expect(diff).toContain('"phase": "Running"');
  await user.click(within(first!).getByTestId('history-replay'));
  await ended('done');
  expect(client.calls.find((call) => call.name === 'tool_call')?.req).toMatchObject({ args: { namespace: 'payments', limit: 5 } });
});
