import { screen, waitFor, within } from '@testing-library/react';
import { describe, expect, test } from 'vitest';
import { byId, open } from '../../../test/window';
import { fault } from '@/ipc/fake/world';
import { actsOn } from './ObjectActions';

const DEPLOYMENT = '#/clusters/cl-prod/explore/deployments.apps?ns=payments&name=checkout&in=payments';
const acts = (client: { calls: { name: string; req: unknown }[] }) => client.calls.filter((call) => call.name === 'kube_act').map((call) => call.req as Record<string, unknown>);

async function menu(hash: string, act: string, change?: Parameters<typeof open>[0] extends infer At ? (At extends { change?: infer C } ? C : never) : never) {
  const opened = await open({ hash, ...(change ? { change } : {}) });
  await opened.user.click(await byId('object-acts'));
  await opened.user.click(await byId(`act-${act}`));
  return opened;
}

describe('an object', () => {
  test('is scaled; the toast says how to take it back and how to quote it', async () => {
    const { user, client } = await menu(DEPLOYMENT, 'scale');
    const box = await byId('act-replicas');
    await user.clear(box);
    await waitFor(() => expect(screen.getByTestId('act-yes')).toHaveProperty('disabled', true));
    await user.type(box, '4');
    await user.click(screen.getByTestId('act-yes'));
    await waitFor(() => expect(acts(client)).toHaveLength(1));
    expect(acts(client)[0]).toMatchObject({ cluster: 'cl-prod', kind: 'deployments.apps', namespace: 'payments', name: 'checkout', act: { do: 'scale', replicas: 4 } });
    const toast = (await screen.findAllByTestId('toast')).at(-1)!;
    expect(toast.textContent).toContain('c0ffee');
    expect(toast.textContent).toContain('0a1b2c3d');
    await waitFor(() => expect(screen.queryByTestId('act-dialog')).toBeNull());
  });

  test('is deleted as it is looked at, after its name and its cluster were shown', async () => {
    const { user, client } = await menu(DEPLOYMENT, 'delete');
    const dialog = await byId('act-dialog');
    expect(dialog.dataset['colour']).toBe('red');
    expect(within(dialog).getByText('checkout')).toBeTruthy();
    expect(within(dialog).getByText('prod-eu')).toBeTruthy();
    await user.click(screen.getByTestId('act-propagation'));
    await user.click(await screen.findByText('stays, without an owner'));
    await user.click(screen.getByTestId('act-yes'));
    await waitFor(() => expect(acts(client)).toHaveLength(1));
    expect(acts(client)[0]!['act']).toEqual({ do: 'delete', propagation: 'orphan', uid: '5f2c-checkout' });
    await waitFor(() => expect(screen.queryByTestId('object-panel')).toBeNull());
  });

  test('goes back to a revision that is kept', async () => {
    const { user, client } = await menu(DEPLOYMENT, 'roll_back');
    expect(screen.getByTestId('act-yes')).toHaveProperty('disabled', true);
    await waitFor(() => expect(screen.getByTestId('act-revision')).toHaveProperty('disabled', false));
    await user.click(screen.getByTestId('act-revision'));
    await user.click(await screen.findByText(/release 2\.3/));
    await user.click(screen.getByTestId('act-yes'));
    await waitFor(() => expect(acts(client)[0]!['act']).toEqual({ do: 'roll_back', revision: 6 }));
  });

  test('that would not be changed says why, and the dialog stays', async () => {
    const { user, client } = await menu(DEPLOYMENT, 'restart', (core) => {
      const answer = core.call.bind(core);
      core.call = async (name, req, say) => {
        if (name === 'kube_act') throw fault('denied', 'policy_denied', { en: 'a person said no', zh: '用户拒绝' }, { en: '', zh: '' });
        return answer(name, req, say);
      };
    });
    await user.click(await byId('act-yes'));
    await screen.findByText(/person said no/i);
    expect(screen.getByTestId('act-dialog')).toBeTruthy();
    expect(acts(client)).toHaveLength(0);
  });
});

test('a node is drained; what would be lost is told first', async () => {
  const { user, client } = await menu('#/clusters/cl-prod/explore/nodes?name=node-0', 'drain');
  await user.click(await byId('act-yes'));
  await screen.findByText(/no controller would make it again/);
  await user.click(screen.getByTestId('act-force'));
  await user.click(screen.getByTestId('act-yes'));
  await waitFor(() => expect(acts(client)).toHaveLength(2));
  expect(acts(client)[1]).toMatchObject({ kind: 'nodes', namespace: null, act: { do: 'drain', force: true, deleteEmptydirData: false } });
});

test('what can be done depends on the kind and on what stands there', () => {
  const kind = (name: string) => ({ name, kind: '', group: '', apiVersion: 'v1', shortNames: [], namespaced: true, listed: true, patched: true });
  expect(actsOn(kind('deployments.apps'), {})).toEqual(['scale', 'restart', 'roll_back', 'delete']);
  expect(actsOn(kind('gadgets.example.org'), { spec: { replicas: 2 } })).toEqual(['scale', 'delete']);
  expect(actsOn(kind('configmaps'), {})).toEqual(['delete']);
  expect(actsOn(kind('nodes'), { spec: {} })).toEqual(['cordon', 'drain', 'delete']);
  expect(actsOn(kind('nodes'), { spec: { unschedulable: true } })).toEqual(['uncordon', 'drain', 'delete']);
});
