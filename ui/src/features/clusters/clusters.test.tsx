import { screen, waitFor, within } from '@testing-library/react';
import { describe, expect, test } from 'vitest';
import { byId, open } from '../../../test/window';
import { isProd } from './api';

const sent = (client: { calls: { name: string; req: unknown }[] }, name: string) => client.calls.filter((call) => call.name === name).map((call) => call.req);
const context = (name: string) => screen.getAllByTestId('wizard-context').find((one) => one.dataset['key'] === name)!;

describe('the list', () => {
  test('shows how each signs in and what ends when; production is said, not only red', async () => {
    await open({ hash: '#/clusters' });
    const rows = await screen.findAllByTestId('cluster-row');
    expect(rows).toHaveLength(4);
    const prod = rows.find((row) => row.dataset['key'] === 'cl-prod')!;
    expect(prod.className).toContain('colour-red');
    for (const part of ['production by its name', 'Reachable', 'v1.36.2', 'kubectl', 'Client certificate', 'in 6 d']) expect(prod.textContent).toContain(part);
    const lab = rows.find((row) => row.dataset['key'] === 'cl-lab')!;
    for (const part of ['ended 2 d ago', 'Not checked', 'never']) expect(lab.textContent).toContain(part);
  });

  test('nothing is reached before a person asks', async () => {
    const { client } = await open({ hash: '#/clusters/cl-prod' });
    await byId('cluster-panel');
    for (const name of ['cluster_verify', 'cluster_review', 'cluster_check', 'cluster_plugin']) expect(sent(client, name)).toEqual([]);
    expect(sent(client, 'cluster_refresh'), 'the core decides whom it looks at again').toEqual([{}]);
  });

  test('one is asked, or all; what each said stands in the list and on its panel', async () => {
    const { user, client } = await open({ hash: '#/clusters/cl-lab' });
    expect((await byId('cluster-state')).dataset['state']).toBe('unknown');
    await user.click(screen.getByTestId('cluster-check'));
    await waitFor(() => expect(screen.getByTestId('cluster-state').dataset['state']).toBe('failed'));
    expect(screen.getByTestId('fault').textContent).toContain('nobody listens there');
    expect(within(screen.getByTestId('cluster-connection')).getByTestId('cluster-last-used').textContent).toContain('Pilothouse,');
    await user.click(screen.getByTestId('retry'));
    await user.click(screen.getByTestId('clusters-check'));
    await waitFor(() => expect(screen.getAllByTestId('cluster-row').filter((row) => row.textContent!.includes('Reachable'))).toHaveLength(3));
    expect(sent(client, 'cluster_check')).toEqual([{ ids: ['cl-lab'] }, { ids: ['cl-lab'] }, { ids: [] }]);
  });

  test('whom it takes us for is on the panel with every group', async () => {
    await open({ hash: '#/clusters/cl-prod' });
    expect((await byId('cluster-user')).textContent).toBe('mira');
    expect(screen.getByTestId('cluster-version').textContent).toBe('v1.36.2');
    expect(screen.getByTestId('cluster-groups').textContent).toBe('sresystem:authenticated');
    expect(within(screen.getByTestId('cluster-connection')).getByTestId('cluster-last-used').title).toBe('/usr/local/bin/kubectl');
  });

  test('all credentials are locked and unlocked at once', async () => {
    const { user, client } = await open({ hash: '#/clusters' });
    await screen.findAllByTestId('cluster-row');
    await user.click(screen.getByTestId('clusters-more'));
    await user.click(await byId('clusters-lock'));
    await user.click(await byId('clusters-unlock'));
    await waitFor(() => expect(screen.queryByTestId('clusters-locked')).toBeNull());
    expect(client.calls.map((call) => call.name).filter((name) => /cluster_(un)?lock/.test(name))).toEqual(['cluster_lock', 'cluster_unlock']);
  });

  test('a cluster whose file depends on it is removed only after that was said', async () => {
    const { user, client } = await open({ hash: '#/clusters/cl-prod' });
    await user.click(await byId('cluster-more'));
    await user.click(await byId('cluster-remove'));
    expect(screen.getByText(/restore the file first/)).toBeTruthy();
    await user.click(await byId('confirm-yes'));
    await waitFor(() => expect(screen.getAllByTestId('cluster-row')).toHaveLength(3));
    expect(sent(client, 'cluster_remove')).toEqual([{ id: 'cl-prod', anyway: true }]);
  });

  test('a file that was changed since is restored only after that was said', async () => {
    const { user, client } = await open({ hash: '#/clusters/cl-prod' });
    await user.click(await byId('cluster-restore'));
    client.failNext('cluster_restore', { kind: 'config', code: 'kubeconfig_changed', message: { en: 'it was changed since it was rewritten', zh: '改写之后又有更改' }, hint: { en: 'keep what was changed elsewhere', zh: '请另存这些更改' }, params: {}, reference: null });
    await user.click(await byId('confirm-yes'));
    expect((await byId('fault')).textContent).toContain('changed since');
    expect(screen.getByTestId('confirm-yes').textContent).toBe('Restore anyway');
    await user.click(screen.getByTestId('confirm-yes'));
    await waitFor(() => expect(screen.queryByTestId('cluster-restore')).toBeNull());
    expect(sent(client, 'cluster_restore').map((req) => (req as { anyway: boolean }).anyway)).toEqual([false, true]);
  });

  test('findings stand with file and line; a restored file is said to hold its secret again', async () => {
    const { user, client } = await open({ hash: '#/clusters/cl-prod' });
    await user.click(await byId('cluster-verify'));
    await waitFor(() => expect(screen.getAllByTestId('finding')).toHaveLength(2));
    expect(screen.getAllByTestId('finding')[0]!.textContent).toContain('/home/mira/.kube/config:41');
    await user.click(screen.getByTestId('cluster-restore'));
    await user.click(await byId('confirm-yes'));
    await waitFor(() => expect(screen.queryByTestId('cluster-restore')).toBeNull());
    expect(sent(client, 'cluster_restore')).toEqual([{ file: '/home/mira/.kube/config', anyway: false }]);
    expect(screen.getByText(/still holds what was imported/)).toBeTruthy();
  });

  test('every file is verified at once', async () => {
    const { client } = await open({ hash: '#/clusters/verify' });
    await waitFor(() => expect(screen.getAllByTestId('finding')).toHaveLength(2));
    expect(sent(client, 'cluster_verify')).toEqual([{ files: [] }]);
  });

  test('a cluster that is gone is said', async () => {
    await open({ hash: '#/clusters/nobody' });
    expect(await screen.findByText('The cluster may have been removed.')).toBeTruthy();
  });
});

describe('programs', () => {
  test('what was said about each is shown and taken back, one at a time', async () => {
    const { user, client } = await open({ hash: '#/clusters' });
    await screen.findAllByTestId('cluster-row');
    await user.click(screen.getByTestId('clusters-more'));
    await user.click(await byId('clusters-programs'));
    const rows = await screen.findAllByTestId('consent-row');
    expect(rows.map((row) => row.dataset['answer'])).toEqual(['until', 'always', 'deny']);
    expect(rows[0]!.textContent).toContain('/mise/installs/kubectl/1.34.2/bin/kubectl');
    expect((await byId('programs-panel')).textContent).toContain('Every cluster');
    await user.click(within(rows[1]!).getByTestId('consent-take-back'));
    await user.click(await byId('confirm-yes'));
    await waitFor(() => expect(screen.getAllByTestId('consent-row')).toHaveLength(2));
    expect(sent(client, 'consent_forget')).toEqual([{ program: '/home/mira/.local/share/mise/installs/kubectl/1.34.2/bin/kubectl', clusterId: 'cl-lab' }]);
  });
});

describe('what may be changed', () => {
  const none = { name: null, colour: null, namespace: null, readOnly: null, insecure: null, typed: null, authorities: null, trust: null };

  test('a name and a namespace are sent together, once they differ; a refusal is shown and nothing is taken for done', async () => {
    const { user, client } = await open({ hash: '#/clusters/cl-lab' });
    const name = await byId('cluster-name');
    expect(screen.getByTestId('cluster-save')).toHaveProperty('disabled', true);
    await user.clear(name);
    await user.type(name, 'staging');
    await user.type(screen.getByTestId('cluster-namespace'), 'web');
    await user.click(screen.getByTestId('cluster-save'));
    expect((await byId('fault')).textContent).toContain('another cluster of the name staging');
    expect(screen.getByTestId('cluster-panel').getAttribute('aria-label')).toBe('lab');
    await user.clear(name);
    await user.type(name, 'den');
    await user.click(screen.getByTestId('cluster-save'));
    await waitFor(() => expect(screen.getByTestId('cluster-panel').getAttribute('aria-label')).toBe('den'));
    expect(sent(client, 'cluster_set')).toEqual(['staging', 'den'].map((name) => ({ ...none, id: 'cl-lab', name, namespace: 'web' })));
  });

  test('read only is a switch that waits for the core', async () => {
    const { user, client } = await open({ hash: '#/clusters/cl-lab' });
    client.failNext('cluster_set', { kind: 'storage', code: 'disk_full', message: { en: 'the disk is full', zh: '磁盘已满' }, hint: { en: '', zh: '' }, params: {}, reference: null });
    await user.click(await byId('cluster-read-only'));
    expect((await byId('fault')).textContent).toContain('he disk is full');
    expect(screen.getByTestId('cluster-read-only')).toHaveProperty('checked', false);
    await user.click(screen.getByTestId('cluster-read-only'));
    await waitFor(() => expect(screen.getByTestId('cluster-read-only')).toHaveProperty('checked', true));
    expect(sent(client, 'cluster_set')).toEqual([true, true].map((readOnly) => ({ ...none, id: 'cl-lab', readOnly })));
  });

  test('a certificate goes unchecked only for whoever types the name, and that stays to be seen', async () => {
    const { user, client } = await open({ hash: '#/clusters/cl-lab' });
    await user.click(await byId('cluster-insecure'));
    const typed = await byId('insecure-typed');
    await user.type(typed, 'la');
    expect(screen.getByTestId('insecure-yes')).toHaveProperty('disabled', true);
    await user.type(typed, 'b');
    await user.click(screen.getByTestId('insecure-yes'));
    await waitFor(() => expect(screen.getByTestId('cluster-insecure')).toHaveProperty('checked', true));
    expect(screen.getByTestId('cluster-unchecked')).toBeTruthy();
    expect(screen.getByText(/can pose as this cluster/)).toBeTruthy();
    await user.click(screen.getByTestId('cluster-insecure'));
    await waitFor(() => expect(screen.queryByTestId('cluster-unchecked')).toBeNull());
    expect(sent(client, 'cluster_set')).toEqual([{ ...none, id: 'cl-lab', insecure: true, typed: 'lab' }, { ...none, id: 'cl-lab', insecure: false }]);
  });

  test('instead of that an authority can be named', async () => {
    const { user, client } = await open({ hash: '#/clusters/cl-lab' });
    await user.click(await byId('cluster-insecure'));
    await user.click(await byId('insecure-instead'));
    await user.click(await byId('authorities-text'));
    await user.paste('-----BEGIN CERTIFICATE-----');
    await user.click(screen.getByTestId('authorities-yes'));
    await waitFor(() => expect(screen.queryByTestId('authorities-text')).toBeNull());
    expect(sent(client, 'cluster_set')).toEqual([{ ...none, id: 'cl-lab', authorities: '-----BEGIN CERTIFICATE-----' }]);
  });

  test('a program runs only after it was shown as it stands here, and is forbidden again', async () => {
    const { user, client } = await open({ hash: '#/clusters/cl-stage' });
    await user.click(await byId('trust-away'));
    await waitFor(() => expect(screen.queryByTestId('trust-away')).toBeNull());
    await user.click(screen.getByTestId('trust-look'));
    const shown = await byId('trust-shown');
    for (const part of ['/usr/local/aws-cli/v2/2.31/bin/aws', '9c9c9c9c', 'everybody on this machine']) expect(shown.textContent).toContain(part);
    await user.click(screen.getByTestId('trust-yes'));
    await byId('trust-away');
    expect(sent(client, 'cluster_set')).toEqual(['', 'trust-key-1'].map((trust) => ({ ...none, id: 'cl-stage', trust })));
  });
});

describe('the import', () => {
  const review = async () => {
    const opened = await open({ hash: '#/clusters/import' });
    await byId('kubeconfig-file');
    await opened.user.click(screen.getByTestId('wizard-review'));
    await byId('wizard-table');
    return opened;
  };

  test('shows exactly what each context would reach, run and read, before anything is done', async () => {
    const { client } = await review();
    expect(client.calls.map((call) => call.name).filter((name) => name.startsWith('cluster_') && name !== 'cluster_list')).toEqual(['cluster_review']);
    expect(screen.getByText(/Nothing of this has been run, read or connected yet/)).toBeTruthy();
    const eks = context('eks-dev');
    expect(eks.textContent).toContain("'./bin/get token' --cluster 'dev; rm -rf ~'");
    for (const part of ['AWS_PROFILE', 'relative path', 'not resolved yet']) expect(eks.textContent).toContain(part);
    const lab = context('lab');
    for (const part of ['not encrypted', 'That is not taken over', 'with a name and password', 'system:masters', 'Already imported']) expect(lab.textContent).toContain(part);
    expect(context('prod-us').textContent).toContain('/home/mira/.kube/prod-us.key');
    expect(screen.getByTestId('wizard-refused').textContent).toContain('auth-provider gcp');
  });

  test('takes only what is ticked, and trusts no program without its own tick', async () => {
    const { user, client } = await review();
    expect(within(context('eks-dev')).getByTestId('wizard-trust')).toHaveProperty('checked', false);
    expect(within(context('lab')).getByTestId('wizard-take')).toHaveProperty('checked', false);
    await user.click(within(context('prod-us')).getByTestId('wizard-take'));
    await user.click(within(context('robot')).getByTestId('wizard-follow'));
    expect(screen.getByTestId('wizard-import').textContent).toBe('Import 2 clusters');
    await user.click(screen.getByTestId('wizard-import'));
    await byId('wizard-done');
    expect(sent(client, 'cluster_import')).toEqual([{ review: 'review-1', take: ['eks-dev', 'robot'], trust: [], sign: [], follow: ['robot'], rewrite: false }]);
    expect(sent(client, 'cluster_verify')).toEqual([]);
    expect(sent(client, 'cluster_check')).toEqual([]);
    await user.click(screen.getByTestId('wizard-check'));
    await waitFor(() => expect(screen.getAllByTestId('wizard-imported').map((one) => one.dataset['state'])).toEqual(['reachable', 'reachable']));
    expect(screen.getAllByTestId('wizard-imported')[0]!.textContent).toContain('v1.36.2 · mira');
    expect(sent(client, 'cluster_check')).toEqual([{ ids: ['cl-eks-dev', 'cl-robot'] }]);
  });

  test('a program that only signs in can be replaced by a sign-in of ours, and is not trusted then', async () => {
    const { user, client } = await review();
    expect(within(context('eks-dev')).queryByTestId('wizard-signin')).toBeNull();
    const sso = within(context('sso'));
    await user.click(sso.getByTestId('wizard-take'));
    await user.click(sso.getByTestId('wizard-trust'));
    await user.click(sso.getByTestId('wizard-signin'));
    expect(sso.getByTestId('wizard-trust')).toHaveProperty('disabled', true);
    await user.click(screen.getByTestId('wizard-import'));
    await byId('wizard-done');
    expect(sent(client, 'cluster_import')).toEqual([{ review: 'review-1', take: ['prod-us', 'eks-dev', 'sso', 'robot'], trust: [], sign: ['sso'], follow: [], rewrite: false }]);
  });

  test('rewrites only when asked to, and proves what is left afterwards', async () => {
    const { user, client } = await review();
    await user.click(within(context('eks-dev')).getByTestId('wizard-trust'));
    await user.click(screen.getByTestId('wizard-rewrite'));
    expect(screen.getByTestId('wizard-import').textContent).toBe('Import 3 clusters and rewrite file');
    await user.click(screen.getByTestId('wizard-import'));
    expect(await byId('verify-ok')).toBeTruthy();
    expect(sent(client, 'cluster_import')).toEqual([{ review: 'review-1', take: ['prod-us', 'eks-dev', 'robot'], trust: ['eks-dev'], sign: [], follow: [], rewrite: true }]);
    expect(screen.getAllByTestId('wizard-imported')).toHaveLength(3);
    await user.click(screen.getByTestId('wizard-finish'));
    await waitFor(() => expect(screen.getAllByTestId('cluster-row').length).toBeGreaterThan(4));
  });

  test('pasted text is sent once and is nowhere afterwards; it has no file to rewrite', async () => {
    const { user, client } = await open({ hash: '#/clusters/import' });
    await user.click(await screen.findByText('Pasted text'));
    await user.click(screen.getByTestId('wizard-review'));
    expect(screen.getByText('Nothing was pasted')).toBeTruthy();
    const box = (await byId('wizard-text')) as HTMLTextAreaElement;
    await user.click(box);
    await user.paste('nonsense with tok-canary-1');
    await user.click(screen.getByTestId('wizard-review'));
    expect((await byId('fault')).textContent).toContain('not a kubeconfig');
    expect(box.value).toBe('');
    await user.click(box);
    await user.paste('apiVersion: v1\ntoken: tok-canary-2');
    await user.click(screen.getByTestId('wizard-review'));
    await byId('wizard-table');
    expect(sent(client, 'cluster_review')).toHaveLength(2);
    expect(document.body.innerHTML).not.toContain('tok-canary');
    expect(screen.queryByTestId('wizard-rewrite')).toBeNull();
  });

  test('a file of one’s own is chosen, and a file that was found can be left out', async () => {
    const { user, client } = await open({ hash: '#/clusters/import' });
    await user.click(within(await byId('kubeconfig-file')).getByRole('checkbox'));
    expect(screen.getByTestId('wizard-review')).toHaveProperty('disabled', true);
    await user.click(screen.getByTestId('wizard-pick'));
    await waitFor(() => expect(screen.getAllByTestId('kubeconfig-file')).toHaveLength(2));
    await user.click(screen.getByTestId('wizard-review'));
    await byId('wizard-table');
    expect(sent(client, 'cluster_review')).toEqual([{ files: ['/home/mira/work/customer.yaml'], text: null }]);
  });

  test('where no kubeconfig is found, that is said', async () => {
    await open({ hash: '#/clusters/import', mode: 'empty' });
    expect(await byId('no-kubeconfig')).toBeTruthy();
    expect(screen.getByTestId('wizard-review')).toHaveProperty('disabled', true);
  });
});

test.each([
  ['prod', true],
  ['PROD-eu', true],
  ['my-production', true],
  ['staging', false],
  ['products', false],
  ['prd2.eu', true],
])('%s is production: %s', (name, is) => expect(isProd(name)).toBe(is));
