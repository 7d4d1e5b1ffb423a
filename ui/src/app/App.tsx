/** The whole window: who to ask, how it looks, what is on. */
import { MantineProvider } from '@mantine/core';
import '@mantine/core/styles.layer.css';
import { Component, useEffect, useMemo, type ReactNode } from 'react';
import '@/shared/ui/tokens.css';
import '@/shared/ui/base.css';
import '@/shared/ui/ui.css';
import './app.css';
import { asFault } from '@/ipc/fault';
import { early, PrefsProvider } from '@/ipc/prefs';
import { newQueries, NOTHING, useClient, useRead, WireProvider } from '@/ipc/query';
import type { Client } from '@/ipc/wire';
import { setLang } from '@/shared/i18n/t';
import { Failed, Loading } from '@/shared/ui/states';
import { resolver, theme } from '@/shared/ui/theme';
import { Shell } from './Shell';

export function App({ client, still }: { client: Client; still?: boolean }) {
  const queries = useMemo(() => newQueries(), []);
  const start = useMemo(() => {
    const chosen = early();
    setLang(chosen.lang);
    return chosen;
  }, []);
  return (
    <MantineProvider theme={theme} cssVariablesResolver={resolver} defaultColorScheme={start.scheme} env={still ? 'test' : 'default'}>
      <Net>
        <WireProvider client={client} queries={queries}>
          <Booted />
        </WireProvider>
      </Net>
    </MantineProvider>
  );
}

function Booted() {
  const boot = useRead('app_boot', NOTHING);
  if (boot.data)
    return (
      <PrefsProvider boot={boot.data}>
        <Shell />
        <Painted />
      </PrefsProvider>
    );
  if (boot.error)
    return (
      <main className="ph-boot">
        <Failed fault={boot.error} onRetry={() => void boot.refetch()} />
      </main>
    );
  return (
    <main className="ph-boot">
      <Loading rows={4} />
    </main>
  );
}

/** Says once, when the first picture is drawn, that the window may be shown. A hidden window gets no frames on some systems: then soon is enough. */
function Painted() {
  const client = useClient();
  useEffect(() => {
    let said = false;
    let later = 0;
    const ready = () => {
      if (said) return;
      said = true;
      void client.call('app_ready', NOTHING).catch(() => undefined);
    };
    const first = requestAnimationFrame(() => {
      later = requestAnimationFrame(ready);
    });
    const timer = setTimeout(ready, 80);
    return () => {
      clearTimeout(timer);
      cancelAnimationFrame(first);
      cancelAnimationFrame(later);
    };
  }, [client]);
  return null;
}

/** A bug of the window's own: said, not a blank page. */
export class Net extends Component<{ children: ReactNode; small?: boolean }, { why: unknown }> {
  override state = { why: null as unknown };
  static getDerivedStateFromError(why: unknown) {
    return { why };
  }
  override render() {
    if (this.state.why === null) return this.props.children;
    return (
      <div className={this.props.small ? 'ph-failed' : 'ph-boot'}>
        <Failed fault={asFault(this.state.why, 'render')} onRetry={() => this.setState({ why: null })} />
      </div>
    );
  }
}
