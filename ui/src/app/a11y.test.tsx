/** The other pages, the questions and the states, by the rules of WCAG 2.1 AA. */
import { screen, waitFor } from '@testing-library/react';
import { expect, test } from 'vitest';
import { accessible, broken } from '../../test/accessible';
import { byId, open } from '../../test/window';

test.each([
  ['pasting', '#/servers/add/paste', 'paste-text'],
  ['tools', '#/tools', 'tool-row'],
  ['one tool', '#/tools/srv-every/every-shape', 'tool-form'],
  ['a tool held back', '#/tools/srv-prod/secrets_list', 'quarantine'],
  ['activity', '#/activity', 'activity-row'],
  ['settings', '#/settings', 'policy-rule'],
])('%s', (_, hash, mark) => accessible(hash, mark));

test.each(['call', 'high', 'start', 'tool_changed', 'form', 'secret_form', 'visit', 'sign_in', 'sample'])('a question: %s', async (kind) => {
  await open({ ask: [kind] });
  await byId('question');
  expect(await broken()).toEqual([]);
});

test('states without content', async () => {
  for (const mode of ['empty', 'failed'])
    for (const hash of ['#/servers', '#/tools', '#/clusters', '#/activity']) {
      const view = await open({ hash, mode });
      await waitFor(() => expect(screen.queryAllByTestId(mode === 'empty' ? 'state-empty' : 'fault').length).toBeGreaterThan(0));
      expect(await broken(), `${mode} ${hash}`).toEqual([]);
      view.unmount();
    }
});
