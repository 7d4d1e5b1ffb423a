/** The whole window over the fake core, at a place, in a state. */
import { act, render, screen, waitFor } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { App } from '@/app/App';
import { fakeClient, type FakeClient } from '@/ipc/fake';

type At = { hash?: string; mode?: string; vault?: string; ask?: string[]; theme?: 'light' | 'dark'; lang?: 'en' | 'zh'; change?: (client: FakeClient) => void };

export async function open({ hash = '#/servers', mode = '', vault, ask = [], theme = 'light', lang = 'en', change }: At = {}) {
  localStorage.setItem('pilothouse.theme', theme);
  localStorage.setItem('pilothouse.lang', lang);
  window.history.replaceState(null, '', hash);
  const client = fakeClient(mode, { delay: 0, ask, vault });
  change?.(client);
  const view = render(<App client={client} still />);
  await waitFor(() => {
    if (!view.container.querySelector('.ph-shell')) throw new Error('not booted yet');
  });
  const user = userEvent.setup({ delay: null, pointerEventsCheck: 0 });
  return { client, user, ...view };
}

export const byId = (id: string) => screen.findByTestId(id);

/** The box of a JSON editor, once the editor itself has taken the place of what stands in for it while it loads. */
export async function editor(inside: HTMLElement): Promise<HTMLTextAreaElement> {
  return waitFor(() => {
    const box = inside.querySelector('textarea');
    if (!box || /mantine|ph-waitingeditor/.test(box.className)) throw new Error('the editor is still loading');
    return box;
  });
}

/** Goes somewhere as a link would. */
export async function go(hash: string) {
  await act(async () => {
    window.location.hash = hash;
    window.dispatchEvent(new HashChangeEvent('hashchange'));
    await Promise.resolve();
  });
}
