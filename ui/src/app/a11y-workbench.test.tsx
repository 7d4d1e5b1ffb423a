/** The Workbench, by the rules of WCAG 2.1 AA. */
import { fireEvent, screen, waitFor } from '@testing-library/react';
import { expect, test } from 'vitest';
import { accessible, broken } from '../../test/accessible';
import { byId, editor, open } from '../../test/window';

test.each([
  ['empty', '#/workbench', 'bench-empty'],
  ['with an object', '#/workbench?cluster=cl-prod&api=apps%2Fv1&kind=Deployment&ns=payments&name=ledger', 'problems-summary'],
  ['history', '#/workbench?tab=history', 'kept'],
  ['drafts', '#/workbench?tab=drafts', 'draft'],
])('%s', (_, hash, mark) => accessible(hash, mark));

test('problems, rules, a rehearsal with a conflict, its difference, a change that waits', async () => {
  const { user } = await open({ hash: '#/workbench?cluster=cl-prod&api=apps%2Fv1&kind=Deployment&ns=payments&name=ledger' });
  const type = async (from: string, to: string) => {
    const box = await editor(await byId('bench-editor'));
    fireEvent.change(box, { target: { value: box.value.replace(from, to) } });
  };
  await byId('problems-summary');
  await type('replicas: 3', 'replicsa: 3');
  await byId('problem');
  await user.click(screen.getByText('Rules for prod-eu'));
  await waitFor(() => expect(screen.getAllByTestId('rule').length).toBeGreaterThan(1));
  expect(await broken()).toEqual([]);
  await type('replicsa: 3', 'replicas: 5');
  await waitFor(() => expect(screen.getByTestId('bench-bar').dataset['at']).toBe('rehearse'));
  await user.click(screen.getByTestId('bench-next'));
  await user.click(await byId('take-over'));
  expect(await broken()).toEqual([]);
  await user.click(screen.getByTestId('bench-next'));
  await waitFor(() => expect(screen.getByTestId('bench-bar').dataset['at']).toBe('approve'));
  await user.click(screen.getByTestId('bench-diff'));
  await byId('split-diff');
  expect(await broken()).toEqual([]);
  await user.click(screen.getByTestId('bench-within'));
  await user.click(await screen.findByRole('option', { name: 'Back in 2 min' }));
  await user.click(screen.getByTestId('bench-next'));
  await user.click(screen.getByTestId('bench-next'));
  await byId('bench-wait');
  await byId('rollout');
  expect(await broken()).toEqual([]);
});
