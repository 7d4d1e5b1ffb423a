import { act, fireEvent, screen, waitFor, within } from '@testing-library/react';
import { describe, expect, test } from 'vitest';
import { BROKEN } from '@/ipc/fake';
import { byId, go, open } from '../../test/window';

describe('the frame', () => {
  test('says that it may be shown once it is drawn', async () => {
    const { client } = await open();
    await waitFor(() => expect(client.calls.map((call) => call.name)).toContain('app_ready'));
    const order = client.calls.map((call) => call.name);
    expect(order.indexOf('app_boot')).toBeLessThan(order.indexOf('app_ready'));
  });

  test('shows only the pages that exist', async () => {
    await open();
    const nav = screen.getByRole('navigation', { name: 'Pages' });
    expect(within(nav).getAllByRole('link').map((link) => link.getAttribute('data-testid'))).toEqual(['nav-servers', 'nav-tools', 'nav-clusters', 'nav-workbench', 'nav-activity', 'nav-settings']);
  });

  test('the status bar counts servers, running calls and questions, and each leads on', async () => {
    const { user } = await open({ ask: ['call'] });
    await user.click(await byId('question-later'));
    expect((await byId('status-servers')).textContent).toContain('7 servers');
    expect(screen.getByTestId('status-servers').textContent).toContain('1 Failed');
    expect((await byId('status-running')).textContent).toContain('2 calls running');
    await user.click(screen.getByTestId('status-questions'));
    expect(await byId('question')).toBeTruthy();
    await user.click(await byId('question-later'));
    await user.click(screen.getByTestId('status-running'));
    await waitFor(() => expect(window.location.hash).toContain('ending=running'));
  });

  test('keys lead to pages, help and search, but not while typing', async () => {
    const { user } = await open();
    await byId('server-search');
    await user.keyboard('gt');
    await byId('page-tools');
    await user.keyboard('gc');
    await byId('page-clusters');
    await user.keyboard('ga');
    await byId('page-activity');
    await user.keyboard('g,');
    await byId('page-settings');
    await user.keyboard('/');
    expect(document.activeElement).toBe(screen.getByTestId('settings-search'));
    await user.keyboard('gs');
    expect((screen.getByTestId('settings-search') as HTMLInputElement).value).toBe('gs');
    expect(screen.getByTestId('page-settings')).toBeTruthy();
    (document.activeElement as HTMLElement).blur();
    await user.keyboard('?');
    expect(await byId('help')).toBeTruthy();
  });

  test('theme and language are switched at once and kept by the core', async () => {
    const { user, client } = await open();
    await user.click(await byId('theme-toggle'));
    await waitFor(() => expect(document.documentElement.getAttribute('data-mantine-color-scheme')).toBe('dark'));
    await user.click(screen.getByTestId('lang-toggle'));
    await waitFor(() => expect(screen.getByTestId('nav-servers').textContent).toContain('服务器'));
    expect(document.documentElement.lang).toBe('zh-CN');
    await waitFor(() => expect(client.world.prefs).toMatchObject({ theme: 'dark', lang: 'zh' }));
  });

  test('the palette finds a tool by typing and goes there with Enter', async () => {
    const { user, client } = await open();
    await byId('nav-tools');
    fireEvent.keyDown(window, { key: 'k', ctrlKey: true });
    const box = await byId('palette-input');
    await user.type(box, 'scale');
    await waitFor(() => expect(screen.getAllByTestId('palette-item')[0]!.textContent).toContain('deployments_scale'));
    await user.keyboard('{Enter}');
    await waitFor(() => expect(window.location.hash).toBe('#/tools/srv-prod/deployments_scale'));
    expect(client.world.prefs['recent']).toEqual(['tool:srv-prod/deployments_scale']);
  });

  test('a store that was lost is told over every page, in both languages, until it was read', async () => {
    const notice = {
      message: { en: 'The store could not be read. It was moved to /data/broken-1.', zh: '存储无法读取。已将其移至 /data/broken-1。' },
      hint: { en: 'Import your servers again.', zh: '请重新导入服务器。' },
    };
    const { user } = await open({ change: (fake) => Object.assign(fake.world, { notice }) });
    const told = await byId('store-notice');
    expect(told.getAttribute('role')).toBe('alert');
    for (const part of ['moved to /data/broken-1', 'Import your servers again']) expect(told.textContent).toContain(part);
    await user.click(screen.getByTestId('nav-activity'));
    expect((await byId('store-notice')).textContent).toContain('/data/broken-1');
    await user.click(screen.getByTestId('lang-toggle'));
    await waitFor(() => expect(screen.getByTestId('store-notice').textContent).toContain('请重新导入服务器'));
    await user.click(screen.getByTestId('store-notice-dismiss'));
    await waitFor(() => expect(screen.queryByTestId('store-notice')).toBeNull());
    await user.click(screen.getByTestId('nav-servers'));
    expect(screen.queryByTestId('store-notice')).toBeNull();
  });

  test('nothing is told where nothing was lost', async () => {
    await open();
    expect(screen.queryByTestId('store-notice')).toBeNull();
  });

  test('an event of the core is seen without a question to it', async () => {
    const { client } = await open();
    await waitFor(() => expect(screen.getByTestId('status-servers').textContent).toContain('3 Connected'));
    act(() => client.emit({ event: 'server_state', id: 'srv-fs', state: 'degraded' }));
    await waitFor(() => expect(screen.getByTestId('status-servers').textContent).toContain('2 Degraded'));
  });

  test('what an event names is read again, and nothing else', async () => {
    const { client } = await open({ hash: '#/tools' });
    await waitFor(() => expect(screen.getAllByTestId('tool-row').length).toBeGreaterThan(5));
    client.calls.length = 0;
    act(() => client.emit({ event: 'changed', tags: ['tools'] }));
    await waitFor(() => expect(client.calls.map((call) => call.name)).toEqual(['tool_list']));
  });

  test('a core that does not start is said, with a way to try again', async () => {
    const { client } = await (async () => {
      const started = open({ change: (fake) => fake.failNext('app_boot', BROKEN) });
      await byId('fault');
      expect(screen.getByTestId('fault').textContent).toContain('database is in use');
      fireEvent.click(screen.getByTestId('retry'));
      return started;
    })();
    expect(client.calls.filter((call) => call.name === 'app_boot')).toHaveLength(2);
  });

  test('an address that is not a page shows the servers', async () => {
    await open({ hash: '#/nowhere/at/all' });
    expect(await byId('page-servers')).toBeTruthy();
    await go('#/tools');
    expect(await byId('page-tools')).toBeTruthy();
  });
});

describe.each([
  ['servers', '#/servers', 'server-row', 'server-search'],
  ['tools', '#/tools', 'tool-row', 'tool-search'],
  ['clusters', '#/clusters', 'cluster-row', 'cluster-search'],
  ['activity', '#/activity', 'activity-row', 'activity-search'],
])('%s has each state', (_, hash, row, search) => {
  test('full', async () => {
    await open({ hash });
    await waitFor(() => expect(screen.getAllByTestId(row).length).toBeGreaterThan(3));
  });
  test('loading', async () => {
    await open({
      hash,
      change: (client) => {
        const real = client.call.bind(client);
        client.call = ((name: 'app_boot', req: Record<symbol, never>) => (name === 'app_boot' ? real(name, req) : new Promise(() => undefined))) as typeof client.call;
      },
    });
    expect(screen.getAllByTestId('state-loading').length).toBeGreaterThan(0);
  });
  test('empty, with one next step', async () => {
    await open({ hash, mode: 'empty' });
    const empty = await byId('state-empty');
    expect(within(empty).getAllByRole('button')).toHaveLength(1);
  });
  test('filtered away, with a way back', async () => {
    const { user } = await open({ hash });
    await waitFor(() => expect(screen.getAllByTestId(row).length).toBeGreaterThan(3));
    await user.type(screen.getByTestId(search), 'zzzzzz');
    await user.click(within(await byId('state-filtered')).getByTestId('clear-filters'));
    await waitFor(() => expect(screen.getAllByTestId(row).length).toBeGreaterThan(3));
  });
  test('failed, with what to do and a reference', async () => {
    await open({ hash, mode: 'failed' });
    const fault = (await screen.findAllByTestId('fault'))[0]!;
    expect(fault.textContent).toContain('Close other windows');
    expect(fault.textContent).toContain('a-4410bb92cc01');
    expect(within(fault).getByTestId('retry')).toBeTruthy();
  });
  test('failed in Chinese', async () => {
    await open({ hash, mode: 'failed', lang: 'zh' });
    expect((await screen.findAllByTestId('fault'))[0]!.textContent).toContain('数据库正被其他程序占用');
  });
});
