/** Whether a page is accessible, in both themes, by the rules of WCAG 2.1 AA. Contrast is held by `shared/ui/ui.test.tsx`: jsdom draws nothing. */
import { screen, waitFor } from '@testing-library/react';
import axe from 'axe-core';
import { expect } from 'vitest';
import { open } from './window';

/** What axe finds wrong with the window as it stands. */
export async function broken(): Promise<string[]> {
  const found = await axe.run(document.body, {
    runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa'],
    rules: { 'color-contrast': { enabled: false } },
    // Only what is broken is asked for in full.
    resultTypes: ['violations'],
    preload: false,
    elementRef: false,
  });
  return found.violations.flatMap((rule) => rule.nodes.map((node) => `${rule.id}: ${node.html.slice(0, 160)}`));
}

/** Opens a place in both themes, waits for `mark`, and holds it to the rules. */
export async function accessible(hash: string, mark: string) {
  for (const theme of ['light', 'dark'] as const) {
    const view = await open({ hash, theme, lang: theme === 'dark' ? 'zh' : 'en' });
    await waitFor(() => expect(screen.queryAllByTestId(mark).length).toBeGreaterThan(0));
    expect(document.documentElement.getAttribute('data-mantine-color-scheme')).toBe(theme);
    expect(await broken(), theme).toEqual([]);
    view.unmount();
  }
}
