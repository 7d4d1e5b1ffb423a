/** Clusters, the import and the vault, by the rules of WCAG 2.1 AA. */
import { screen, waitFor } from '@testing-library/react';
import { expect, test } from 'vitest';
import { accessible, broken } from '../../test/accessible';
import { byId, open } from '../../test/window';

test.each([
  ['clusters', '#/clusters', 'cluster-row'],
  ['one cluster', '#/clusters/cl-stage', 'cluster-panel'],
  ['exploring', '#/clusters/cl-prod/explore/pods', 'object-row'],
  ['one object', '#/clusters/cl-prod/explore/secrets?ns=payments&name=ledger-db&in=payments', 'summary'],
  ['a refusal', '#/clusters/cl-stage/explore/pods', 'fault'],
  ['verifying', '#/clusters/verify', 'finding'],
  ['choosing what to import', '#/clusters/import', 'kubeconfig-file'],
  ['the vault', '#/settings?at=vault', 'secret-row'],
])('%s', (_, hash, mark) => accessible(hash, mark));

test('the review of an import, and its end', async () => {
  const { user } = await open({ hash: '#/clusters/import' });
  await byId('kubeconfig-file');
  await user.click(screen.getByTestId('wizard-review'));
  await byId('wizard-table');
  expect(await broken()).toEqual([]);
  await user.click(screen.getByTestId('wizard-rewrite'));
  await user.click(screen.getByTestId('wizard-import'));
  await byId('verify-ok');
  expect(await broken()).toEqual([]);
});

test.each(['locked', 'passphrase', 'absent', 'session', 'key_missing', 'corrupt'])('a vault that is %s, over a page and in settings', async (vault) => {
  const over = await open({ vault });
  await byId('vault-banner');
  expect(await broken()).toEqual([]);
  over.unmount();
  await open({ vault, hash: '#/settings?at=vault', lang: 'zh' });
  await waitFor(() => expect(screen.queryAllByTestId('vault').length).toBeGreaterThan(0));
  expect(await broken()).toEqual([]);
});
