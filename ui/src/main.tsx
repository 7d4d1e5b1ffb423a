/** Where the window begins. `--mode fake` draws it over fixtures; the shipped bundle holds none of them. */
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { App } from './app/App';
import type { Client } from './ipc/wire';

async function wire(): Promise<Client> {
  if (import.meta.env.MODE === 'fake') return (await import('./ipc/fake')).fakeClient(new URLSearchParams(window.location.search).get('fake') ?? '');
  return (await import('./ipc/client')).tauriClient;
}

void wire().then((client) => {
  createRoot(document.getElementById('root')!).render(
    <StrictMode>
      <App client={client} />
    </StrictMode>,
  );
});
