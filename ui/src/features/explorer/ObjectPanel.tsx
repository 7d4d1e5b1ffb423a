/** One object: what matters of it, all of it as YAML, what happened to it. */
import { Tabs } from '@mantine/core';
import { useMemo } from 'react';
import { useT } from '@/shared/i18n/t';
import { useRested } from '@/shared/lib/hooks';
import { visible } from '@/shared/lib/visible';
import { JsonEditor } from '@/shared/json/editor';
import { Icon } from '@/shared/ui/icon';
import { CopyButton, IconButton, Notice } from '@/shared/ui/parts';
import { EditButton } from './EditButton';
import { Failed, FaultView } from '@/shared/ui/states';
import { keyOf, useGiveUp, useObject, type ClusterDetail, type KubeKindView, type KubeObjectView } from './api';
import { EventsTab } from './EventsTab';
import { ForwardTab } from './ForwardTab';
import { LogsTab } from './LogsTab';
import { ObjectActions } from './ObjectActions';
import { GivenUp, Waiting } from './parts';
import { RevealSecret } from './RevealSecret';
import { summaryOf } from './summary';
import { SummaryTab } from './SummaryTab';
import { TerminalTab } from './TerminalTab';
import { Views } from './Views';

export type Follow = {
  follow: (apiVersion: string, kind: string) => KubeKindView | undefined;
  onOpen: (kind: string, to: { ns?: string; name?: string; in?: string | null }) => void;
};

type Props = Follow & { cluster: ClusterDetail; kind: KubeKindView; namespace: string | null; name: string; tab: string | null; onTab: (tab: string | null) => void; onClose: () => void };

export function ObjectPanel({ cluster, kind, namespace, name, tab, onTab, onClose, follow, onOpen }: Props) {
  const { t } = useT();
  // Rows that the arrow keys only run over are not asked for.
  const rested = useRested(`${kind.name}\n${namespace ?? ''}\n${name}`, 120);
  const [restedKind, restedNamespace, restedName] = rested.split('\n') as [string, string, string];
  const of = { cluster: cluster.view.id, kind: restedKind, namespace: restedNamespace === '' ? null : restedNamespace, name: restedName };
  const object = useObject(of);
  const giveUp = useGiveUp();
  const there = restedName === name && restedKind === kind.name && (of.namespace ?? null) === namespace;
  return (
    <section className="ph-panel" aria-label={visible(name)} data-testid="object-panel">
      <header className="ph-panelhead">
        <div className="ph-grow">
          <div className="ph-faint ph-cut ph-objectkind">
            {visible(kind.kind)}
            {namespace !== null && <> · {visible(namespace)}</>}
          </div>
          <h2 className="ph-cut" title={visible(name)}>
            {visible(name)}
          </h2>
        </div>
        {object.data && there && <ObjectActions cluster={cluster} kind={kind} namespace={namespace} name={name} object={object.data.object} onDone={(gone) => (gone ? onClose() : void object.refetch())} />}
        <EditButton cluster={cluster} kind={kind} namespace={namespace} name={name} />
        <CopyButton text={name} label={t('explorer.copyName')} />
        <IconButton icon={object.data && object.isFetching ? 'busy' : 'refresh'} label={t('explorer.refreshOne')} onClick={() => void object.refetch()} disabled={object.isFetching} testId="object-again" />
        <IconButton icon="close" label={t('common.closePanel')} onClick={onClose} testId="object-close" />
      </header>
      {object.data && there ? (
        <>
          {object.error && (
            <div className="ph-pad">
              <FaultView fault={object.error} compact mild />
            </div>
          )}
          <Filled cluster={cluster} kind={kind} namespace={namespace} name={name} view={object.data} tab={tab} onTab={onTab} follow={follow} onOpen={onOpen} />
        </>
      ) : object.error && there ? (
        <Failed fault={object.error} onRetry={() => void object.refetch()} />
      ) : object.fetchStatus === 'idle' && there ? (
        <GivenUp name={cluster.view.name} onRetry={() => void object.refetch()} />
      ) : (
        <Waiting name={cluster.view.name} onCancel={() => giveUp(keyOf.object(of))} />
      )}
    </section>
  );
}

const TABS = ['summary', 'yaml', 'events', 'logs', 'terminal', 'forward'];

function Filled({ cluster, kind, namespace, name, view, tab, onTab, follow, onOpen }: Follow & { cluster: ClusterDetail; kind: KubeKindView; namespace: string | null; name: string; view: KubeObjectView; tab: string | null; onTab: (tab: string | null) => void }) {
  const { t } = useT();
  const summary = useMemo(() => summaryOf(view.object), [view]);
  const masked = summary.secret && (
    <Notice tone="idle" icon="lock" testId="secret-masked">
      {t('explorer.masked')}
    </Notice>
  );
  const events = kind.name !== 'events';
  const pod = kind.name === 'pods';
  // Whatever has pods of its own: its containers are known, or it chooses them.
  const logs = summary.containers.length > 0 && (pod || summary.chooses);
  const forward = pod || summary.chooses;
  const containers = summary.containers.map((one) => one.name);
  const there: Record<string, boolean> = { events, logs, terminal: pod, forward };
  return (
    <Tabs value={tab !== null && TABS.includes(tab) && there[tab] !== false ? tab : 'summary'} onChange={(next) => onTab(next === 'summary' ? null : next)} className="ph-tabs" keepMounted={false} keepMountedMode="display-none">
      <Tabs.List aria-label={t('explorer.parts')}>
        <Tabs.Tab value="summary" data-testid="tab-summary">
          {t('explorer.summary')}
        </Tabs.Tab>
        <Tabs.Tab value="yaml" data-testid="tab-yaml">
          YAML
        </Tabs.Tab>
        {events && (
          <Tabs.Tab value="events" data-testid="tab-events">
            {t('explorer.events')}
          </Tabs.Tab>
        )}
        {logs && (
          <Tabs.Tab value="logs" data-testid="tab-logs">
            {t('logs.title')}
          </Tabs.Tab>
        )}
        {pod && (
          <Tabs.Tab value="terminal" data-testid="tab-terminal">
            {t('terminal.title')}
          </Tabs.Tab>
        )}
        {forward && (
          <Tabs.Tab value="forward" data-testid="tab-forward">
            {t('forward.title')}
          </Tabs.Tab>
        )}
      </Tabs.List>
      <Tabs.Panel value="summary" className="ph-scroll ph-pad">
        {summary.secret && <RevealSecret key={name} cluster={cluster.view.id} namespace={namespace} name={name} keys={summary.keys} />}
        <SummaryTab summary={summary} name={name} namespace={namespace} masked={masked} view={<Views cluster={cluster} object={view.object} namespace={namespace} name={name} follow={follow} onOpen={onOpen} />} follow={follow} onOpen={onOpen} />
      </Tabs.Panel>
      <Tabs.Panel value="yaml" className="ph-fill ph-yaml">
        <div className="ph-row ph-yamlhead">
          <span className="ph-row ph-muted ph-grow">
            <Icon name="lock" size={12} />
            {t('explorer.yamlReadOnly')}
          </span>
          <CopyButton text={view.yaml} label={t('explorer.copyYaml')} words testId="copy-yaml" />
        </div>
        {masked && <div className="ph-yamlnote">{masked}</div>}
        <JsonEditor value={view.yaml} onChange={() => undefined} label={t('explorer.yamlOf', { name: visible(name) })} readOnly language="yaml" testId="object-yaml" />
      </Tabs.Panel>
      {events && (
        <Tabs.Panel value="events" className="ph-scroll ph-pad">
          <EventsTab cluster={cluster} namespace={namespace} uid={summary.uid} />
        </Tabs.Panel>
      )}
      {/* What is not looked at does not go on: only the open tab is there. A terminal stays while another tab of its pod is open. */}
      {logs && (
        <Tabs.Panel value="logs" className="ph-fill">
          <LogsTab cluster={cluster} kind={kind} namespace={namespace} name={name} containers={containers} />
        </Tabs.Panel>
      )}
      {pod && (
        <Tabs.Panel value="terminal" className="ph-fill" keepMounted>
          <TerminalTab key={`${namespace}/${name}`} cluster={cluster} namespace={namespace} name={name} containers={summary.containers.filter((one) => !one.init).map((one) => one.name)} />
        </Tabs.Panel>
      )}
      {forward && (
        <Tabs.Panel value="forward" className="ph-scroll ph-pad">
          <ForwardTab key={`${kind.name}/${namespace}/${name}`} cluster={cluster} kind={kind} namespace={namespace} name={name} ports={summary.ports} />
        </Tabs.Panel>
      )}
    </Tabs>
  );
}
