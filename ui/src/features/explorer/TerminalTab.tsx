/** A terminal in a container. Nothing runs before a person says so; what is typed goes nowhere else. */
import { Button, Select, TextInput, useComputedColorScheme } from '@mantine/core';
import { useEffect, useRef, useState } from 'react';
import { useClient } from '@/ipc/query';
import { useT } from '@/shared/i18n/t';
import { visible } from '@/shared/lib/visible';
import { Chip } from '@/shared/ui/chips';
import { Icon } from '@/shared/ui/icon';
import { Notice } from '@/shared/ui/parts';
import { Empty, FaultView } from '@/shared/ui/states';
import type { ClusterDetail } from './api';
import { stream, type UiFault } from './streams';

type Props = { cluster: ClusterDetail; namespace: string | null; name: string; containers: readonly string[] };

/** bash where there is one, else sh. */
const AUTO = ['sh', '-c', 'if command -v bash >/dev/null 2>&1; then exec bash; else exec sh; fi'];
const SHELLS = { auto: AUTO, bash: ['bash'], sh: ['sh'] };
const CHOICES = ['auto', 'bash', 'sh', 'own'] as const;
type Choice = (typeof CHOICES)[number];

type Ran = { state: 'asking' | 'running' | 'ended'; code: number | null; fault: UiFault | null; container: string | null };

export function TerminalTab({ cluster, namespace, name, containers }: Props) {
  const { t } = useT();
  const [container, setContainer] = useState(containers[0] ?? '');
  const [shell, setShell] = useState<Choice>('auto');
  const [own, setOwn] = useState('');
  const [session, setSession] = useState<{ turn: number; command: string[]; container: string } | null>(null);
  if (cluster.view.readOnly)
    return (
      <Empty icon="lock" title={t('terminal.readOnly', { name: visible(cluster.view.name) })} testId="terminal-read-only">
        {t('terminal.readOnlyHint')}
      </Empty>
    );
  const command = shell === 'own' ? ['sh', '-c', own.trim()] : SHELLS[shell];
  const open = () => setSession({ turn: (session?.turn ?? 0) + 1, command, container });
  return (
    <div className="ph-fill ph-terminal" data-testid="terminal">
      <div className="ph-row wrap ph-logshead">
        <Select className="ph-filter" aria-label={t('logs.container')} data={containers.map((one) => ({ value: one, label: visible(one) }))} value={container} onChange={(next) => setContainer(next ?? '')} allowDeselect={false} data-testid="terminal-container" />
        <Select className="ph-filter" aria-label={t('terminal.shell')} data={CHOICES.map((value) => ({ value, label: t(`terminal.${value}`) }))} value={shell} onChange={(next) => setShell((next ?? 'auto') as Choice)} allowDeselect={false} data-testid="terminal-shell" />
        {shell === 'own' && <TextInput className="ph-search" aria-label={t('terminal.command')} placeholder={t('terminal.command')} value={own} onChange={(event) => setOwn(event.currentTarget.value)} spellCheck={false} data-testid="terminal-command" />}
        <Button leftSection={<Icon name="terminal" size={14} />} onClick={open} disabled={container === '' || (shell === 'own' && own.trim() === '')} data-testid="terminal-open">
          {session ? t('terminal.again') : t('terminal.open')}
        </Button>
      </div>
      {session ? (
        <Session key={session.turn} cluster={cluster.view.id} namespace={namespace} pod={name} container={session.container} command={session.command} />
      ) : (
        <Empty icon="terminal" title={t('terminal.none')} testId="terminal-none">
          {t('terminal.noneHint')}
        </Empty>
      )}
    </div>
  );
}

const bytesOf = (text: string): Uint8Array => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));

function Session({ cluster, namespace, pod, container, command }: { cluster: string; namespace: string | null; pod: string; container: string; command: string[] }) {
  const { t } = useT();
  const client = useClient();
  const dark = useComputedColorScheme('light') === 'dark';
  const [ran, setRan] = useState<Ran>({ state: 'asking', code: null, fault: null, container: null });
  const place = useRef<HTMLDivElement>(null);
  const begin = useRef({ cluster, namespace, pod, container, command, dark });
  useEffect(() => {
    let mine = true;
    let end: () => void = () => undefined;
    const { dark: isDark, ...what } = begin.current;
    void import('./screen').then(({ openScreen }) => {
      const into = place.current;
      if (!mine || !into) return;
      // Keys in the order in which they were typed, whatever the way to the core does.
      let sending = Promise.resolve();
      let ask: string | null = null;
      const send = (text: string, size: [number, number] | null) => {
        const to = ask;
        if (to !== null) sending = sending.then(() => client.call('kube_exec_input', { ask: to, text, size }).then(() => undefined, () => undefined));
      };
      const screen = openScreen(into, isDark, { typed: (text) => send(text, null), sized: (columns, rows) => send('', [columns, rows]) });
      const going = stream(client, 'kube_exec', { ...what, ...screen.size() }, (part, way) => {
        if (!mine) return;
        if (part.part === 'begun') {
          setRan((now) => ({ ...now, state: 'running', container: part.container }));
          screen.focus();
        } else screen.write(bytesOf(part.bytes), () => way.taken(part.n));
      });
      ask = going.ask;
      going.ended.then(
        (res) => mine && setRan((now) => ({ ...now, state: 'ended', code: res.code })),
        (fault: UiFault) => mine && setRan((now) => ({ ...now, state: 'ended', fault })),
      );
      end = () => {
        going.stop();
        screen.dispose();
      };
    });
    return () => {
      mine = false;
      end();
    };
  }, [client]);
  return (
    <>
      <div className="ph-row wrap ph-logshead" role="status" data-testid="terminal-state" data-key={ran.state}>
        {ran.state === 'asking' ? (
          <Chip tone="ask" icon="busy" quiet>
            {t('terminal.asking')}
          </Chip>
        ) : ran.state === 'running' ? (
          <Chip tone="ok" icon="play" quiet>
            {t('terminal.running', { container: visible(ran.container ?? container) })}
          </Chip>
        ) : (
          ran.code !== null && (
            <Chip tone={ran.code === 0 ? 'idle' : 'warn'} icon={ran.code === 0 ? 'stop' : 'warn'} quiet>
              {t('terminal.ended', { code: ran.code })}
            </Chip>
          )
        )}
        <span className="ph-faint">{t('terminal.keys')}</span>
      </div>
      {ran.fault && <FaultView fault={ran.fault} compact />}
      {ran.state === 'ended' && (
        <Notice tone="idle" icon="info">
          {t('terminal.endedHint')}
        </Notice>
      )}
      <div className="ph-screen" ref={place} data-testid="terminal-screen" />
    </>
  );
}
