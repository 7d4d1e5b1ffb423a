import { screen, waitFor, within } from '@testing-library/react';
import { expect, test } from 'vitest';
import { byId, open } from '../../../test/window';

const rows = async () => {
  await waitFor(() => expect(screen.getAllByTestId('activity-row').length).toBeGreaterThan(5));
  return screen.getAllByTestId('activity-row');
};

test('running calls stand first and count their time', async () => {
  await open({ hash: '#/activity' });
  const [first] = await rows();
  expect(first!.textContent).toContain('Running');
  expect(first!.textContent).toMatch(/\d+ (ms|s)/);
});

test('an ending in the address narrows the list', async () => {
  const { client } = await open({ hash: '#/activity?ending=refused' });
  await waitFor(() => expect(client.calls.some((call) => call.name === 'activity_list' && (call.req as { ending: string }).ending === 'refused')).toBe(true));
  await waitFor(() => expect(screen.getAllByTestId('activity-row').length).toBeGreaterThan(0));
  for (const row of screen.getAllByTestId('activity-row')) expect(row.textContent).toContain('Refused');
});

test('a row opens with all it knows, and no value of an argument', async () => {
  const { user } = await open({ hash: '#/activity' });
  await user.click((await rows())[5]!);
  const text = (await byId('activity-detail')).textContent!;
  for (const part of ['Reference', 'Rule', 'Row', 'MAC', 'Names and types; values are not kept']) expect(text).toContain(part);
});

test('a whole log says how much was read', async () => {
  const { user } = await open({ hash: '#/activity' });
  await rows();
  await user.click(screen.getByTestId('activity-verify'));
  expect((await byId('verify-result')).textContent).toContain('The log is whole: 641 rows read');
});

test('a broken log names the first bad row and what happened to it', async () => {
  const { user } = await open({ hash: '#/activity', mode: 'broken' });
  await rows();
  await user.click(screen.getByTestId('activity-verify'));
  expect((await byId('verify-result')).textContent).toContain('broken at row 402: changed');
});

test('the export says where it went', async () => {
  const { user } = await open({ hash: '#/activity' });
  await rows();
  await user.click(screen.getByTestId('activity-export'));
  expect((await byId('toast')).textContent).toContain('/home/mira/activity-2026-11-22.jsonl');
});

test('older rows are fetched as one nears the end', async () => {
  const { client } = await open({ hash: '#/activity', mode: 'many' });
  const grid = await screen.findByRole('grid');
  await rows();
  grid.scrollTop = 200 * 32;
  grid.dispatchEvent(new Event('scroll'));
  await waitFor(() => expect(client.calls.some((call) => call.name === 'activity_list' && (call.req as { before: number | null }).before !== null)).toBe(true));
});

test('a reference that is not there says so', async () => {
  await open({ hash: '#/activity/a-none' });
  expect(await screen.findByText('Not found')).toBeTruthy();
  expect(within(screen.getByTestId('page-activity')).getByText(/no row a-none/)).toBeTruthy();
});
