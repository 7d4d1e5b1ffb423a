/** Every page and dialog, in both themes, by the rules of WCAG 2.1 AA. Contrast is held by `shared/ui/ui.test.tsx`: jsdom draws nothing. */
import { screen, waitFor } from '@testing-library/react';
import axe from 'axe-core';
import { expect, test } from 'vitest';
import { byId, open } from '../../test/window';

async function broken(): Promise<string[]> {
  const found = await axe.run(document.body, {
    runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa'],
    rules: { 'color-contrast': { enabled: false } },
  });
  return found.violations.flatMap((rule) => rule.nodes.map((node) => `${rule.id}: ${node.html.slice(0, 160)}`));
}

const places: [string, string, string][] = [
  ['servers', '#/servers', 'server-row'],
  ['one server', '#/servers/srv-staging', 'server-panel'],
  ['a server under review', '#/servers/srv-time', 'review'],
  ['a server’s tools', '#/servers/srv-prod/tools', 'server-panel'],
  ['resources and prompts', '#/servers/srv-every/offers', 'prompt-row'],
  ['the log', '#/servers/srv-every/log', 'log-row'],
  ['a server’s settings', '#/servers/srv-prod/settings', 'server-form'],
  ['templates', '#/servers/add', 'template-card'],
  ['a new server', '#/servers/add/form', 'server-form'],
  ['pasting', '#/servers/add/paste', 'paste-text'],
  ['tools', '#/tools', 'tool-row'],
  ['one tool', '#/tools/srv-every/every-shape', 'tool-form'],
  ['a tool held back', '#/tools/srv-prod/secrets_list', 'quarantine'],
  ['activity', '#/activity', 'activity-row'],
  ['settings', '#/settings', 'policy-rule'],
];

test.each(places)('%s', async (_, hash, mark) => {
  for (const theme of ['light', 'dark'] as const) {
    const view = await open({ hash, theme, lang: theme === 'dark' ? 'zh' : 'en' });
    await waitFor(() => expect(screen.queryAllByTestId(mark).length).toBeGreaterThan(0));
    expect(document.documentElement.getAttribute('data-mantine-color-scheme')).toBe(theme);
    expect(await broken(), theme).toEqual([]);
    view.unmount();
  }
});

test.each(['call', 'high', 'start', 'tool_changed', 'form', 'secret_form', 'visit', 'sign_in', 'sample'])('a question: %s', async (kind) => {
  await open({ ask: [kind] });
  await byId('question');
  expect(await broken()).toEqual([]);
});

test('states without content', async () => {
  for (const mode of ['empty', 'failed'])
    for (const hash of ['#/servers', '#/tools', '#/activity']) {
      const view = await open({ hash, mode });
      await waitFor(() => expect(screen.queryAllByTestId(mode === 'empty' ? 'state-empty' : 'fault').length).toBeGreaterThan(0));
      expect(await broken(), `${mode} ${hash}`).toEqual([]);
      view.unmount();
    }
});
