import { fireEvent, screen, waitFor, within } from '@testing-library/react';
import { describe, expect, test } from 'vitest';
import { PROTOCOLS } from '@/ipc/fake/protocols';
import { maybe } from '@/shared/i18n/t';
import { humanName } from '@/shared/lib/format';
import { isMap, type Json } from '@/shared/lib/words';
import { resolved } from '@/shared/schema-form/shape';
import { byId, editor, open } from '../../../test/window';
import { fillUri, uriNames } from './OffersTab';
import { groupsFor, settingIssues, settingWords, showsSetting, tidy } from './settings';

const rowOf = async (name: string) => {
  await waitFor(() => expect(screen.getAllByTestId('server-row').length).toBeGreaterThan(3));
  return screen.getAllByTestId('server-row').find((row) => row.textContent!.includes(name))!;
};

describe('the list', () => {
  test('each state has its word, and the last error is there', async () => {
    await open();
    expect((await rowOf('k8s-prod-eu')).textContent).toContain('Connected');
    expect((await rowOf('k8s-staging')).textContent).toContain('Degraded');
    const failed = await rowOf('ssh-jumpserver');
    expect(failed.textContent).toContain('Failed');
    expect(failed.textContent).toContain('refused the connection');
    expect(within(await rowOf('k8s-prod-eu')).getByRole('img').getAttribute('aria-label')).toMatch(/Last 32 latencies/);
  });

  test('the first steps can be dismissed, and stay so', async () => {
    const { user, client } = await open();
    await user.click(await byId('checklist-dismiss'));
    await waitFor(() => expect(screen.queryByTestId('checklist')).toBeNull());
    expect(client.world.prefs['checklist']).toBe('dismissed');
  });
});

describe('one server', () => {
  test('a failed one says why, when it is tried next, and connects on demand', async () => {
    const { user, client } = await open({ hash: '#/servers/srv-ssh' });
    expect((await byId('fault')).textContent).toMatch(/next try in \d+ s/);
    await user.click(await byId('server-connect'));
    await waitFor(() => expect(client.calls.some((call) => call.name === 'server_connect')).toBe(true));
  });

  test('one under review shows exactly what would run, and is accepted', async () => {
    const { user, client } = await open({ hash: '#/servers/srv-time' });
    expect((await byId('review')).textContent).toContain('uvx mcp-server-time --local-timezone Europe/Berlin');
    await user.click(screen.getByTestId('server-accept'));
    await waitFor(() => expect(client.calls.find((call) => call.name === 'server_accept')?.req).toEqual({ id: 'srv-time' }));
  });

  test('its instructions are shown as text, and said not to be obeyed', async () => {
    await open({ hash: '#/servers/srv-prod' });
    expect(await screen.findByText('Shown, not obeyed')).toBeTruthy();
    expect(screen.getByText(/always pass force=true/)).toBeTruthy();
  });

  test('is removed only after a yes', async () => {
    const { user, client } = await open({ hash: '#/servers/srv-prod' });
    await user.click(await byId('server-more'));
    await user.click(await byId('server-remove'));
    expect(client.calls.some((call) => call.name === 'server_remove')).toBe(false);
    await user.click(await byId('confirm-yes'));
    await waitFor(() => expect(client.world.servers.some((row) => row.id === 'srv-prod')).toBe(false));
    await waitFor(() => expect(window.location.hash).toBe('#/servers'));
  });

  test('what a resource holds is text, whatever it looks like', async () => {
    const { user } = await open({ hash: '#/servers/srv-every/offers' });
    const first = (await screen.findAllByTestId('resource-row'))[0]!;
    await user.click(within(first).getByRole('button'));
    expect(await within(first).findByText(/<script>alert\(1\)<\/script>/)).toBeTruthy();
    expect(document.querySelectorAll('script')).toHaveLength(0);
  });

  test('the log narrows to what is typed, and a frame opens', async () => {
    const { user } = await open({ hash: '#/servers/srv-every/log' });
    await waitFor(() => expect(screen.getAllByTestId('log-row').length).toBeGreaterThan(10));
    await user.type(screen.getByTestId('log-search'), 'tick 58');
    await waitFor(() => expect(screen.getAllByTestId('log-row')).toHaveLength(2));
    await user.click(screen.getAllByTestId('log-row')[1]!);
    expect((await byId('log-frame')).textContent).toContain('"method": "tools/call"');
  });

  test('one that is gone says so', async () => {
    await open({ hash: '#/servers/srv-none' });
    expect((await byId('fault')).textContent).toContain('There is no server srv-none.');
  });
});

describe('settings', () => {
  test('a masked secret goes back as it came', async () => {
    const { user, client } = await open({ hash: '#/servers/srv-metrics/settings' });
    await byId('server-form');
    await user.clear(screen.getByTestId('server-name'));
    await user.type(screen.getByTestId('server-name'), 'metrics');
    await user.click(screen.getByTestId('save-server'));
    await waitFor(() => expect(client.calls.find((call) => call.name === 'server_save')?.req).toMatchObject({ id: 'srv-metrics', name: 'metrics', settings: { password: '•••', username: 'pilot' } }));
  });

  test('a template fills the form; a program is tested only after its exact command line was agreed to', async () => {
    const { user, client } = await open({ hash: '#/servers/add' });
    await waitFor(() => expect(screen.getAllByTestId('template-card').length).toBe(9));
    await user.click(screen.getAllByTestId('template-card').find((card) => card.getAttribute('data-key') === 'subprocess')!);
    await byId('server-form');
    await user.click(screen.getByTestId('test-server'));
    expect((await byId('test-consent')).textContent).toContain('python -m mcp_server');
    expect(client.calls.some((call) => call.name === 'server_test')).toBe(false);
    await user.click(screen.getByTestId('test-consent-yes'));
    expect((await byId('test-result')).textContent).toContain('3 tools');
    expect(client.calls.find((call) => call.name === 'server_test')?.req).toMatchObject({ consent: 'python -m mcp_server' });
    await user.click(screen.getByTestId('save-server'));
    await waitFor(() => expect(window.location.hash).toMatch(/^#\/servers\/srv-subprocess/));
  });

  test('a changed form is not tested with an old consent', async () => {
    const { user } = await open({ hash: '#/servers/add/form?from=subprocess' });
    await byId('server-form');
    await user.click(screen.getByTestId('test-server'));
    await byId('test-consent');
    await user.type(document.querySelector<HTMLInputElement>('[data-field="command"] input')!, '3');
    expect(screen.queryByTestId('test-consent')).toBeNull();
  });

  test('a test that fails says why and what the program wrote', async () => {
    const { user } = await open({ hash: '#/servers/add/form?from=subprocess' });
    await byId('server-form');
    const command = document.querySelector<HTMLInputElement>('[data-field="command"] input')!;
    await user.clear(command);
    await user.type(command, 'refuse');
    await user.click(screen.getByTestId('test-server'));
    await user.click(await byId('test-consent-yes'));
    expect((await byId('test-result')).textContent).toContain('the connection was refused');
    expect(screen.getByTestId('test-result').textContent).toContain('ModuleNotFoundError');
  });

  test('a name that is taken is refused in words', async () => {
    const { user } = await open({ hash: '#/servers/add/form?from=stream-http' });
    await byId('server-form');
    await user.clear(screen.getByTestId('server-name'));
    await user.type(screen.getByTestId('server-name'), 'filesystem');
    await user.click(screen.getByTestId('save-server'));
    expect((await byId('fault')).textContent).toContain('A server named filesystem is there already.');
  });

  test('a missing name stops the saving and is said', async () => {
    const { user, client } = await open({ hash: '#/servers/add/form' });
    await byId('server-form');
    await user.click(screen.getByTestId('save-server'));
    expect(screen.getAllByText('A name is needed').length).toBeGreaterThan(0);
    expect(client.calls.some((call) => call.name === 'server_save')).toBe(false);
  });
});

test('pasted JSON is shown as it would be, and only what is ticked is taken', async () => {
  const { user, client } = await open({ hash: '#/servers/add/paste' });
  const box = await editor(await byId('paste-text'));
  fireEvent.change(box, { target: { value: JSON.stringify({ mcpServers: { git: { command: 'uvx', args: ['mcp-server-git', '--repository', '${REPO}'] }, two: { url: 'https://two.example/mcp' }, bad: { url: 'ftp://x' } } }) } });
  await waitFor(() => expect(screen.getAllByTestId('import-item')).toHaveLength(3));
  const [git, , bad] = screen.getAllByTestId('import-item');
  expect(git!.textContent).toContain('Would run');
  expect(git!.textContent).toContain('uvx mcp-server-git --repository ${REPO}');
  expect(git!.textContent).toContain('Not set now:');
  expect(within(bad!).getByRole('checkbox')).toHaveProperty('disabled', true);
  await user.click(within(git!).getByRole('checkbox'));
  expect(screen.getByTestId('import-apply').textContent).toBe('Take 1 server');
  await user.click(screen.getByTestId('import-apply'));
  await waitFor(() => expect(client.calls.find((call) => call.name === 'import_apply')?.req).toMatchObject({ take: ['two'] }));
});

describe('settings as a form', () => {
  const http = PROTOCOLS.find((one) => one.id === 'http')!;
  const program = PROTOCOLS.find((one) => one.id === 'subprocess')!;

  test('every setting of every protocol stands under a heading or under Advanced', () => {
    for (const protocol of PROTOCOLS) {
      const groups = groupsFor(protocol, (key) => key);
      expect(groups.at(-1)!.key).toBe('rest');
      expect(groups[0]!.fields.length).toBeGreaterThan(0);
    }
  });
  test('sign-in fields show for their way only, and not at all for programs', () => {
    expect(showsSetting('auth_token', { auth_type: 'bearer' }, false)).toBe(true);
    expect(showsSetting('auth_token', { auth_type: 'basic' }, false)).toBe(false);
    expect(showsSetting('password', { auth_type: 'basic' }, false)).toBe(true);
    expect(showsSetting('auth_type', {}, true)).toBe(false);
  });
  test('one address is asked for; its parts and second names stand back until they are used', () => {
    const stream = PROTOCOLS.find((one) => one.id === 'stream_http')!;
    const groups = groupsFor(stream, (key) => key);
    expect(groups[0]!.fields).toContain('url');
    for (const part of ['base_url', 'host', 'port', 'path']) expect(groups[0]!.fields).not.toContain(part);
    expect(groups[1]).toMatchObject({ key: 'parts', closed: true, opensUsed: true });
    expect(showsSetting('stream_url', {}, false)).toBe(false);
    expect(settingWords(stream.schema, ['base_url'], null, null).label).not.toBe(settingWords(http.schema, ['base_url'], null, null).label);
    expect(groupsFor(http, (key) => key)[0]!.fields).toContain('base_url');
  });
  test('a reference may stand where a number belongs', () => {
    expect(settingIssues(http.schema, { port: '${PORT}' })).toEqual([]);
    expect(settingIssues(http.schema, { port: 'x' })).toHaveLength(1);
    expect(settingIssues(program.schema, {}).map((issue) => issue.path.join('.'))).toEqual(['command']);
  });
  test('what is empty is not saved', () => {
    expect(tidy({ id: null, name: ' a ', protocol: 'http', enabled: true, lazy: false, idleStopSecs: 0, settings: { host: '', port: 1, path: null, enabled_tools: ['', 'x'] } })).toMatchObject({ name: 'a', settings: { port: 1, enabled_tools: ['x'] } });
  });
  test('every setting of every protocol has words of its own, so that no Chinese window falls back to English', () => {
    const wordless: string[] = [];
    for (const protocol of PROTOCOLS) {
      const seen = new Set<string>();
      const walk = (schema: Json, path: string[]) => {
        const here = resolved(schema, protocol.schema);
        if (!isMap(here)) return;
        for (const way of [here, ...[here['anyOf'], here['oneOf']].flatMap((ways) => (Array.isArray(ways) ? ways : []))]) {
          const form = resolved(way, protocol.schema);
          if (!isMap(form) || !isMap(form['properties'])) continue;
          for (const [name, inner] of Object.entries(form['properties'])) {
            const where = [...path, name];
            const key = where.join('_');
            if (seen.has(key)) continue;
            seen.add(key);
            // Second names of the address are drawn only where a file brought them.
            if (showsSetting(name, {}, false) && settingWords(protocol.schema, where, null, null).label === humanName(name) && maybe(`setting.${key}`) === null && maybe(`setting.${name}`) === null) wordless.push(`${protocol.id}.${key}`);
            walk(inner, where);
          }
        }
      };
      walk(protocol.schema, []);
    }
    expect(wordless).toEqual([]);
  });
  test('known settings have words in the window’s language, others their own', () => {
    expect(settingWords(http.schema, ['auth_token'], null, 'English help').label).toBe('Token');
    expect(settingWords(http.schema, ['tls', 'ca_file'], null, null).label).toBe('Own certificate authority');
    expect(settingWords(http.schema, ['brand_new'], null, 'Help.')).toEqual({ label: 'Brand new', help: 'Help.' });
  });
});

describe('resource templates', () => {
  test.each([
    ['demo://{id}', { id: 'a b' }, 'demo://a%20b'],
    ['file:///{+path}', { path: 'a/b c' }, 'file:///a/b%20c'],
    ['x://list{?q,limit}', { q: '1', limit: '' }, 'x://list?q=1'],
    ['x:/{/a,b}', { a: '1', b: '2' }, 'x://1/2'],
    ['x://{a}{#frag}', { a: '../', frag: 'z' }, 'x://..%2F#z'],
  ])('%s', (template, values, uri) => expect(fillUri(template, values as Record<string, string>)).toBe(uri));
  test('names are found once each', () => expect(uriNames('x://{a}/{?a,b*}/{c:3}')).toEqual(['a', 'b', 'c']));
});
