/** Ports on this machine that lead to pods: begin one here, see where all of them stand, end them. */
import { Button, TextInput } from '@mantine/core';
import { useState } from 'react';
import { NOTHING, useChange, useRead } from '@/ipc/query';
import { useT } from '@/shared/i18n/t';
import { visible } from '@/shared/lib/visible';
import { Chip } from '@/shared/ui/chips';
import { Icon } from '@/shared/ui/icon';
import { Ago, CopyButton, IconButton, Section } from '@/shared/ui/parts';
import { Empty, FaultView } from '@/shared/ui/states';
import type { ClusterDetail, KubeKindView } from './api';
import type { KubeForwardView } from './streams';

type Props = { cluster: ClusterDetail; kind: KubeKindView; namespace: string | null; name: string; ports: readonly string[] };

const PAIR = /^(\d{0,5}:)?[A-Za-z0-9-]{1,63}$/;

export function ForwardTab({ cluster, kind, namespace, name, ports }: Props) {
  const { t, say } = useT();
  const forwards = useRead('kube_forward_list', NOTHING);
  const begin = useChange('kube_forward');
  const stop = useChange('kube_forward_stop');
  const page = useChange('open_page');
  const [typed, setTyped] = useState(ports[0] === undefined ? '' : `0:${ports[0]}`);
  const wanted = typed.split(/[\s,]+/).filter(Boolean);
  const fits = wanted.length > 0 && wanted.every((one) => PAIR.test(one));
  const target = kind.name === 'pods' ? name : `${kind.name}/${name}`;
  const run = () => fits && !begin.isPending && begin.mutate({ cluster: cluster.view.id, namespace, target, ports: wanted });
  const all = forwards.data ?? [];
  return (
    <div className="ph-stack" data-testid="forward">
      {cluster.view.readOnly ? (
        <Empty icon="lock" title={t('forward.readOnly', { name: visible(cluster.view.name) })} testId="forward-read-only">
          {t('forward.readOnlyHint')}
        </Empty>
      ) : (
        <Section title={t('forward.new', { name: visible(name) })}>
          <form
            className="ph-row wrap"
            onSubmit={(event) => {
              event.preventDefault();
              run();
            }}
          >
            <TextInput className="ph-search" label={t('forward.ports')} description={t('forward.portsHint')} value={typed} onChange={(event) => setTyped(event.currentTarget.value)} error={typed !== '' && !fits ? t('forward.wrong') : null} spellCheck={false} data-testid="forward-ports" />
            <Button type="submit" loading={begin.isPending} disabled={!fits} leftSection={<Icon name="plug" size={14} />} data-testid="forward-begin">
              {t('forward.begin')}
            </Button>
          </form>
          {ports.length > 0 && <p className="ph-muted">{t('forward.known', { ports: ports.map(visible).join(', ') })}</p>}
          {begin.error && <FaultView fault={begin.error} compact />}
        </Section>
      )}
      <Section title={t('forward.all')}>
        {forwards.error && <FaultView fault={forwards.error} compact mild />}
        {(stop.error ?? page.error) && <FaultView fault={(stop.error ?? page.error)!} compact mild />}
        {all.length === 0 ? (
          <Empty icon="plug" title={t('forward.none')} testId="forward-none">
            {t('forward.noneHint')}
          </Empty>
        ) : (
          <ul className="ph-lines">
            {all.map((one) => (
              <li key={one.id} className="ph-stack tight" data-testid="forward-row" data-key={one.id}>
                <span className="ph-row wrap">
                  <State one={one} />
                  <strong className="ph-break">{visible(one.target)}</strong>
                  <span className="ph-muted ph-break">
                    {visible(one.clusterName)} · {visible(one.namespace)}
                  </span>
                  <span className="ph-grow" />
                  <span className="ph-faint">
                    <Ago at={one.since} />
                  </span>
                  <IconButton icon="stop" label={t('forward.stop', { name: visible(one.target) })} onClick={() => stop.mutate({ id: one.id })} testId="forward-stop" />
                </span>
                {one.ports.map((port) => (
                  <span className="ph-row wrap" key={port.local}>
                    <code>
                      127.0.0.1:{port.local} → {visible(port.remote)}
                    </code>
                    <CopyButton text={`127.0.0.1:${port.local}`} label={t('forward.copy')} />
                    <IconButton icon="external" label={t('forward.browser', { port: port.local })} onClick={() => page.mutate({ url: `http://127.0.0.1:${port.local}/` })} testId="forward-browser" />
                  </span>
                ))}
                <span className="ph-muted">
                  {one.pod === null ? t('forward.noPod') : t('forward.to', { pod: visible(one.pod), count: one.open })}
                  {one.moves > 0 && ` · ${t('forward.moved', { count: one.moves })}`}
                </span>
                {one.trouble && <span className="ph-break" data-testid="forward-trouble">{visible(say(one.trouble))}</span>}
              </li>
            ))}
          </ul>
        )}
      </Section>
    </div>
  );
}

function State({ one }: { one: KubeForwardView }) {
  const { t } = useT();
  return one.ready ? (
    <Chip tone={one.trouble ? 'warn' : 'ok'} icon={one.trouble ? 'warn' : 'ok'} quiet>
      {one.trouble ? t('forward.trouble') : t('forward.ready')}
    </Chip>
  ) : (
    <Chip tone="warn" icon="clock" quiet>
      {t('forward.waiting')}
    </Chip>
  );
}
