import { act, screen, waitFor } from '@testing-library/react';
import { describe, expect, test } from 'vitest';
import { byId, open } from '../../../test/window';

const at = { hash: '#/clusters/cl-sso' };
const sent = (client: { calls: { name: string; req: unknown }[] }, name: string) => client.calls.filter((call) => call.name === name).map((call) => call.req);
const back = (client: { world: { login: ((went: boolean) => void) | null } }, went: boolean) => act(async () => Promise.resolve(client.world.login?.(went)));

describe('signing in to a cluster', () => {
  test('a cluster without an issuer offers none of it', async () => {
    await open({ hash: '#/clusters/cl-prod' });
    await byId('cluster-panel');
    expect(screen.queryByTestId('cluster-signin')).toBeNull();
  });

  test('the browser opens, comes back, and who is signed in stands there', async () => {
    const { user, client } = await open(at);
    expect((await byId('cluster-signin-state')).dataset['state']).toBe('needed');
    expect(screen.queryByTestId('cluster-logout')).toBeNull();
    await user.click(screen.getByTestId('cluster-login'));
    expect((await byId('cluster-login-waiting')).textContent).toContain('open in your browser');
    expect(screen.queryByTestId('cluster-login')).toBeNull();
    await back(client, true);
    await waitFor(() => expect(screen.getByTestId('cluster-signin-state').dataset['state']).toBe('in'));
    expect(screen.getByTestId('cluster-signin-state').textContent).toContain('mira@example.net');
    expect(sent(client, 'cluster_login')).toEqual([{ id: 'cl-sso', device: false }]);
  });

  test('a machine without a browser shows the address, to open or to copy', async () => {
    const { user, client } = await open({ ...at, change: (client) => void (client.world.browser = false) });
    await user.click(await byId('cluster-login'));
    expect((await byId('cluster-login-waiting')).textContent).toContain('https://login.example.net/authorize');
    await user.click(screen.getByTestId('cluster-login-open'));
    expect(sent(client, 'open_page')).toEqual([{ url: 'https://login.example.net/authorize?client_id=pilot' }]);
    await back(client, true);
  });

  test('a code is shown, can be copied, and is given up without a complaint', async () => {
    const { user, client } = await open(at);
    await user.click(await byId('cluster-login-code'));
    expect((await byId('cluster-login-usercode')).textContent).toBe('WDJB-MJHT');
    expect(screen.getByTestId('cluster-login-waiting').textContent).toContain('https://login.example.net/activate');
    await user.click(screen.getByTestId('cluster-login-copy'));
    await user.click(screen.getByTestId('cluster-login-cancel'));
    await byId('cluster-login');
    expect(sent(client, 'cluster_login_cancel')).toEqual([{ id: 'cl-sso' }]);
    expect(screen.queryByTestId('fault')).toBeNull();
    expect(screen.getByTestId('cluster-signin-state').dataset['state']).toBe('needed');
  });

  test('a refusal is said, with what can be done, and the next try clears it', async () => {
    const { user, client } = await open(at);
    await byId('cluster-signin-state');
    client.failNext('cluster_login', { kind: 'auth', code: 'sign_in_refused', message: { en: 'https://login.example.net refused the sign-in to platform: access_denied', zh: '已拒绝' }, hint: { en: 'Sign in as somebody who may.', zh: '请换账户' }, params: {}, reference: null });
    await user.click(screen.getByTestId('cluster-login'));
    expect((await byId('fault')).textContent).toContain('access_denied');
    await user.click(screen.getByTestId('cluster-login'));
    await byId('cluster-login-waiting');
    expect(screen.queryByTestId('fault')).toBeNull();
    await back(client, true);
  });

  test('who signs out is out', async () => {
    const signIns = { 'cl-sso': { issuer: 'https://login.example.net', user: 'mira@example.net', expiresAt: Date.now() + 3_600_000, renews: false, needed: false } };
    const { user, client } = await open({ ...at, lang: 'zh', change: (client) => void (client.world.signIns = signIns) });
    expect((await byId('cluster-signin-state')).textContent).toContain('已登录');
    await user.click(screen.getByTestId('cluster-logout'));
    await waitFor(() => expect(screen.getByTestId('cluster-signin-state').dataset['state']).toBe('needed'));
    expect(sent(client, 'cluster_logout')).toEqual([{ id: 'cl-sso' }]);
  });
});
