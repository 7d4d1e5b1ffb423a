import { screen, waitFor, within } from '@testing-library/react';
import { expect, test } from 'vitest';
import { byId, open } from '../../../test/window';

const rules = async () => {
  await waitFor(() => expect(screen.getAllByTestId('policy-rule').length).toBeGreaterThan(1));
  return screen.getAllByTestId('policy-rule');
};

test('rules are put in order and saved in that order', async () => {
  const { user, client } = await open({ hash: '#/settings' });
  await rules();
  await user.click(screen.getByLabelText('Move 2 up'));
  await user.click(await byId('policy-save'));
  await waitFor(() => expect((client.calls.find((call) => call.name === 'policy_set')!.req as { rules: { id: string }[] }).rules.map((rule) => rule.id)).toEqual(['read-staging', 'no-exec-in-prod']));
  await waitFor(() => expect(screen.queryByTestId('policy-save')).toBeNull());
});

test('two rules cannot have one name', async () => {
  const { user } = await open({ hash: '#/settings' });
  const [first] = await rules();
  const name = within(first!).getByLabelText('Rule');
  await user.clear(name);
  await user.type(name, 'read-staging');
  expect(screen.getAllByText('Two rules have this name').length).toBeGreaterThan(0);
  expect(await byId('policy-save')).toHaveProperty('disabled', true);
});

test('what holds by default is shown and cannot be changed', async () => {
  await open({ hash: '#/settings' });
  await rules();
  const heading = screen.getByRole('heading', { name: 'Where no rule fits' });
  const table = heading.parentElement!.querySelector('table')!;
  expect(table.textContent).toContain('Asks first');
  expect(table.querySelectorAll('input, button, select')).toHaveLength(0);
});

test('a search leaves only the parts that fit', async () => {
  const { user } = await open({ hash: '#/settings' });
  await rules();
  await user.type(screen.getByTestId('settings-search'), 'redirect');
  await waitFor(() => expect(screen.getAllByRole('heading', { level: 2 }).map((heading) => heading.textContent)).toEqual(['Limits']));
  await user.clear(screen.getByTestId('settings-search'));
  await user.type(screen.getByTestId('settings-search'), 'zzzz');
  expect(await byId('state-filtered')).toBeTruthy();
});

test('diagnostics are shown before they are copied', async () => {
  const { user } = await open({ hash: '#/settings' });
  await user.click(await byId('diagnostics'));
  expect(await screen.findByText(/webkitgtk 2\.50\.6/)).toBeTruthy();
});
