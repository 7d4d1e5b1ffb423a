import { screen, waitFor, within } from '@testing-library/react';
import { describe, expect, test } from 'vitest';
import { changes, reads } from '@/ipc/bindings';
import { byId, open } from '../../../test/window';

const SETTINGS = '#/settings?at=vault';
const PHRASE = 'correct horse battery';
const box = (id: string) => screen.getByTestId(id) as HTMLInputElement;
const sent = (client: { calls: { name: string; req: unknown }[] }, name: string) => client.calls.filter((call) => call.name === name).map((call) => call.req);

describe('over every page', () => {
  test('an open vault says nothing but its word in the status bar', async () => {
    await open();
    expect((await byId('status-vault')).textContent).toContain('Vault: Unlocked');
    expect(screen.queryByTestId('vault-banner')).toBeNull();
  });

  test.each([
    ['locked', 'The vault is locked'],
    ['passphrase', 'The vault is locked'],
    ['absent', 'Choose how secrets are kept'],
    ['session', 'Secrets end with this session'],
    ['key_missing', '6 secrets cannot be opened on this computer'],
    ['corrupt', 'The vault does not fit its key'],
  ])('%s is told', async (vault, words) => {
    await open({ vault });
    expect((await byId('vault-banner')).textContent).toContain(words);
  });

  test('one may go on without, and another state is told anew', async () => {
    const { user, client } = await open({ vault: 'locked' });
    await user.click(await byId('vault-without'));
    await waitFor(() => expect(screen.queryByTestId('vault-banner')).toBeNull());
    client.world.vault = { state: 'corrupt', kind: null, unreadable: 0 };
    client.emit({ event: 'changed', tags: ['vault'] });
    expect((await byId('vault-banner')).dataset['state']).toBe('corrupt');
  });

  test('a keyring’s vault is unlocked from the banner', async () => {
    const { user, client } = await open({ vault: 'locked' });
    await user.click(await byId('vault-unlock'));
    await waitFor(() => expect(screen.queryByTestId('vault-banner')).toBeNull());
    expect(sent(client, 'vault_unlock')).toEqual([{ passphrase: null }]);
  });

  test('who waits for the keyring sees since when, and may stop waiting', async () => {
    const { user } = await open({
      vault: 'locked',
      change: (client) => {
        const real = client.call.bind(client);
        client.call = ((name: 'app_boot', req: Record<symbol, never>) => ((name as string) === 'vault_unlock' ? new Promise(() => undefined) : real(name, req))) as typeof client.call;
      },
    });
    await user.click(await byId('vault-unlock'));
    expect((await byId('vault-waiting')).textContent).toContain('Waiting for the keyring');
    await user.click(screen.getByTestId('vault-leave'));
    expect(await byId('vault-unlock')).toBeTruthy();
  });
});

describe('a passphrase', () => {
  test('opens the vault; a wrong one is said, and the box is empty either way', async () => {
    const { user } = await open({ hash: SETTINGS, vault: 'passphrase' });
    await user.type(await byId('vault-passphrase-box'), 'wrong one{Enter}');
    expect((await byId('fault')).textContent).toContain('the passphrase is another one');
    expect(box('vault-passphrase-box').value).toBe('');
    await user.type(box('vault-passphrase-box'), `${PHRASE}{Enter}`);
    await waitFor(() => expect(screen.getByTestId('vault').dataset['state']).toBe('unlocked'));
  });

  test('is in no attribute, no state that is drawn, and no cache once it was sent', async () => {
    const { user, container } = await open({ hash: SETTINGS, vault: 'passphrase' });
    await user.type(await byId('vault-passphrase-box'), PHRASE);
    expect(container.innerHTML).not.toContain(PHRASE);
    await user.keyboard('{Enter}');
    await waitFor(() => expect(screen.getByTestId('vault').dataset['state']).toBe('unlocked'));
    expect(document.body.innerHTML).not.toContain(PHRASE);
    expect(JSON.stringify({ ...localStorage, ...sessionStorage })).not.toContain(PHRASE);
  });

  test('is settled only when it is long enough and twice the same', async () => {
    const { user, client } = await open({ hash: SETTINGS, vault: 'absent' });
    await user.click(await screen.findByRole('radio', { name: 'Under a passphrase' }));
    await user.type(box('vault-settle-box'), 'short');
    await user.type(box('vault-settle-again'), 'short{Enter}');
    expect(screen.getByText('Needs at least 8 characters')).toBeTruthy();
    await user.type(box('vault-settle-box'), PHRASE);
    await user.type(box('vault-settle-again'), 'another one, long{Enter}');
    expect(screen.getByText(/The two are not the same/)).toBeTruthy();
    expect(sent(client, 'vault_settle')).toEqual([]);
    await user.type(box('vault-settle-box'), PHRASE);
    await user.type(box('vault-settle-again'), `${PHRASE}{Enter}`);
    await waitFor(() => expect(screen.getByTestId('vault').dataset['state']).toBe('unlocked'));
    expect(sent(client, 'vault_settle')).toEqual([{ kind: 'passphrase', passphrase: PHRASE }]);
  });
});

describe('the states in settings', () => {
  test('without a keyring nothing is chosen beforehand, and nothing can be sent before a choice', async () => {
    const { user, client } = await open({ hash: SETTINGS, vault: 'absent' });
    const radios = await screen.findAllByRole('radio', { name: /passphrase|session/ });
    expect(radios).toHaveLength(2);
    expect(radios.some((radio) => (radio as HTMLInputElement).checked)).toBe(false);
    expect(await byId('vault-settle-send')).toHaveProperty('disabled', true);
    await user.click(screen.getByRole('radio', { name: 'For this session only' }));
    await user.click(screen.getByTestId('vault-settle-send'));
    await waitFor(() => expect(screen.getByTestId('vault').dataset['state']).toBe('session'));
    expect(sent(client, 'vault_settle')).toEqual([{ kind: 'session', passphrase: null }]);
  });

  test('an open one is locked, gets a new key, gives a kit', async () => {
    const { user, client } = await open({ hash: SETTINGS });
    await user.click(await byId('vault-rotate'));
    await user.click(await byId('vault-deep'));
    await user.click(screen.getByTestId('vault-rotate-yes'));
    await waitFor(() => expect(sent(client, 'vault_rotate')).toEqual([{ deep: true, passphrase: null }]));
    await waitFor(() => expect(screen.queryByTestId('vault-deep')).toBeNull());
    await user.click(await byId('vault-export'));
    await user.type(await byId('vault-kit-box'), PHRASE);
    await user.type(box('vault-kit-again'), `${PHRASE}{Enter}`);
    expect(await screen.findByText('The recovery kit is at /media/mira/usb/pilothouse-kit.age')).toBeTruthy();
    await user.click(screen.getByTestId('vault-lock'));
    await waitFor(() => expect(screen.getByTestId('vault').dataset['state']).toBe('locked'));
  });

  test('a session’s vault has no key to change or export, and offers to be kept', async () => {
    await open({ hash: SETTINGS, vault: 'session' });
    await byId('vault-move');
    for (const id of ['vault-lock', 'vault-rotate', 'vault-export']) expect(screen.queryByTestId(id)).toBeNull();
  });

  test.each(['key_missing', 'corrupt'])('%s is opened with a recovery kit, and never by itself', async (vault) => {
    const { user, client } = await open({ hash: SETTINGS, vault });
    await user.type(await byId('vault-restore-box'), `${PHRASE}{Enter}`);
    await waitFor(() => expect(screen.getByTestId('vault').dataset['state']).toBe('unlocked'));
    for (const name of ['vault_settle', 'vault_rotate', 'vault_wipe']) expect(sent(client, name)).toEqual([]);
  });

  test('wiping takes the typed word, and tells what cannot be promised', async () => {
    const { user, client } = await open({ hash: SETTINGS, vault: 'key_missing' });
    await user.click(await byId('vault-wipe'));
    const yes = await byId('vault-wipe-yes');
    expect(yes).toHaveProperty('disabled', true);
    await user.type(screen.getByTestId('vault-wipe-word'), 'wip{Enter}');
    expect(sent(client, 'vault_wipe')).toEqual([]);
    await user.type(screen.getByTestId('vault-wipe-word'), 'e');
    await user.click(yes);
    expect((await byId('vault-wiped')).textContent).toContain('out of reach');
  });
});

describe('what is kept', () => {
  test('is listed without a value: whose, which, until when, and what is gone', async () => {
    await open({ hash: SETTINGS });
    const rows = await screen.findAllByTestId('secret-row');
    expect(rows).toHaveLength(6);
    const text = rows.map((row) => row.textContent ?? '').join('\n');
    for (const part of ['k8s-prod-eu', 'auth_token', 'Not there', 'ended', 'never']) expect(text).toContain(part);
  });

  test('is replaced by typing, where one line is the value', async () => {
    const { user, client } = await open({ hash: SETTINGS });
    const rows = await screen.findAllByTestId('secret-row');
    const metrics = rows.find((row) => row.textContent?.includes('metrics-rest'))!;
    await user.click(within(metrics).getByTestId('secret-replace'));
    await user.type(await byId('secret-set-box'), 's3cret-value{Enter}');
    await waitFor(() => expect(sent(client, 'secret_set')).toEqual([{ ownerKind: 'server', ownerId: 'srv-metrics', field: 'password', value: 's3cret-value' }]));
    await waitFor(() => expect(screen.queryByText('Not there')).toBeNull());
    const key = rows.find((row) => row.textContent?.includes('client_certificate'))!;
    expect(within(key).queryByTestId('secret-replace')).toBeNull();
  });

  test('is removed after a question', async () => {
    const { user } = await open({ hash: SETTINGS });
    await user.click((await screen.findAllByTestId('secret-remove'))[0]!);
    await user.click(await byId('confirm-yes'));
    await waitFor(() => expect(screen.getAllByTestId('secret-row')).toHaveLength(5));
  });
});

test('no answer of the core can carry a value: what reads the vault is known by name', () => {
  expect(Object.entries(reads).filter(([, tags]) => tags.includes('vault')).map(([name]) => name).sort()).toEqual(['cluster_sign_in', 'secret_list', 'vault_get']);
  for (const name of ['secret_set', 'secret_remove', 'vault_settle', 'vault_rotate', 'vault_wipe', 'cluster_import'] as const) expect(changes[name]).toContain('vault');
});

test('a server’s kept secret is replaced, removed or kept after all, and its reference is never drawn', async () => {
  const { user, client, container } = await open({ hash: '#/servers/srv-prod/settings' });
  expect((await byId('secret-kept')).textContent).toContain('Kept in the vault');
  expect(container.innerHTML).not.toContain('${vault:');
  await user.click(screen.getByTestId('secret-field-replace'));
  await user.click(await byId('secret-field-back'));
  await user.click(await byId('secret-field-remove'));
  expect(await screen.findByText('Will be removed when you save')).toBeTruthy();
  await user.click(screen.getByTestId('secret-field-back'));
  await user.click(await byId('secret-field-replace'));
  const field = document.querySelector<HTMLInputElement>('[data-field="auth_token"] input')!;
  await user.type(field, 'tok-new');
  await user.click(screen.getByTestId('save-server'));
  await waitFor(() => expect(sent(client, 'server_save')).toHaveLength(1));
  expect((sent(client, 'server_save')[0] as { settings: Record<string, unknown> }).settings['auth_token']).toBe('tok-new');
});
