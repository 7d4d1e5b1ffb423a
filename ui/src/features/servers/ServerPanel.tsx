/** One server: what it is, what it offers, what it says, how it is set up. */
import { Button, Menu, Modal, Tabs, TextInput } from '@mantine/core';
import { useState } from 'react';
import { useT } from '@/shared/i18n/t';
import { go } from '@/shared/lib/route';
import { visible } from '@/shared/lib/visible';
import { StateChip } from '@/shared/ui/chips';
import { Icon } from '@/shared/ui/icon';
import { Confirm, IconButton, MenuButton } from '@/shared/ui/parts';
import { Failed, FaultView, Loading } from '@/shared/ui/states';
import { tell, tellFault } from '@/shared/ui/toasts';
import { canConnect, canDisconnect, useConnect, useDisconnect, useDuplicate, useEnable, useRemove, useSaveTemplate, useServer, useServers, type ServerDetail } from './api';
import { ExportDialog } from './ExportDialog';
import { LogTab } from './LogTab';
import { OffersTab } from './OffersTab';
import { Overview } from './Overview';
import { ServerEditor } from './ServerEditor';
import { ServerTools } from './ServerTools';

const TABS = ['overview', 'tools', 'offers', 'log', 'settings'] as const;

export function ServerPanel({ id, tab }: { id: string; tab: string }) {
  const server = useServer(id);
  const servers = useServers();
  // The list is patched the moment a state changes; the detail follows when it has been read again.
  const live = servers.data?.find((row) => row.id === id);
  if (server.isPending) return <Loading />;
  if (!server.data) return <Failed fault={server.error} onRetry={() => void server.refetch()} />;
  const detail = live ? { ...server.data, view: { ...server.data.view, state: live.state } } : server.data;
  return <Panel detail={detail} tab={(TABS as readonly string[]).includes(tab) ? tab : 'overview'} onRetry={() => void server.refetch()} fault={server.error} />;
}

function Panel({ detail, tab, fault, onRetry }: { detail: ServerDetail; tab: string; fault: Parameters<typeof FaultView>[0]['fault'] | null; onRetry: () => void }) {
  const { t } = useT();
  const { view } = detail;
  const connect = useConnect();
  const disconnect = useDisconnect();
  const enable = useEnable();
  const duplicate = useDuplicate();
  const remove = useRemove();
  const [asking, setAsking] = useState<'remove' | 'template' | 'export' | null>(null);
  const failed = { onError: tellFault };
  const name = visible(view.name);

  return (
    <section className="ph-panel" aria-label={name} data-testid="server-panel">
      <header className="ph-panelhead">
        <h2 className="ph-cut" title={name}>
          {name}
        </h2>
        <StateChip value={view.state} />
        <span className="ph-grow" />
        {view.state === 'disabled' || !view.enabled ? (
          <Button leftSection={<Icon name="play" size={13} />} loading={enable.isPending} onClick={() => enable.mutate({ id: view.id, enabled: true }, failed)} data-testid="server-enable">
            {t('servers.enable')}
          </Button>
        ) : canConnect(view) ? (
          <Button variant="filled" leftSection={<Icon name="plug" size={14} />} loading={connect.isPending} onClick={() => connect.mutate({ id: view.id }, failed)} data-testid="server-connect">
            {t('servers.connect')}
          </Button>
        ) : canDisconnect(view) ? (
          <Button leftSection={<Icon name="unplug" size={14} />} loading={disconnect.isPending} onClick={() => disconnect.mutate({ id: view.id }, failed)} data-testid="server-disconnect">
            {t('servers.disconnect')}
          </Button>
        ) : null}
        <Menu>
          <Menu.Target>
            <MenuButton icon="more" label={t('servers.actions')} testId="server-more" />
          </Menu.Target>
          <Menu.Dropdown>
            <Menu.Item leftSection={<Icon name="edit" size={14} />} onClick={() => go(['servers', view.id, 'settings'])} data-testid="server-edit">
              {t('servers.edit')}
            </Menu.Item>
            <Menu.Item
              leftSection={<Icon name="duplicate" size={14} />}
              onClick={() => duplicate.mutate({ id: view.id }, { onSuccess: (row) => go(['servers', row.id, 'settings']), onError: tellFault })}
              data-testid="server-duplicate"
            >
              {t('servers.duplicate')}
            </Menu.Item>
            <Menu.Item leftSection={<Icon name="template" size={14} />} onClick={() => setAsking('template')}>
              {t('servers.saveTemplate')}
            </Menu.Item>
            <Menu.Item leftSection={<Icon name="download" size={14} />} onClick={() => setAsking('export')}>
              {t('servers.export')}
            </Menu.Item>
            {view.enabled && (
              <Menu.Item leftSection={<Icon name="off" size={14} />} onClick={() => enable.mutate({ id: view.id, enabled: false }, failed)} data-testid="server-disable">
                {t('servers.disable')}
              </Menu.Item>
            )}
            <Menu.Divider />
            <Menu.Item className="ph-tone-bad" leftSection={<Icon name="trash" size={14} />} onClick={() => setAsking('remove')} data-testid="server-remove">
              {t('servers.remove')}
            </Menu.Item>
          </Menu.Dropdown>
        </Menu>
        <IconButton icon="close" label={t('common.closePanel')} onClick={() => go(['servers'])} />
      </header>
      {fault && <FaultView fault={fault} onRetry={onRetry} />}
      <Tabs value={tab} onChange={(next) => go(['servers', view.id, next ?? 'overview'])} className="ph-tabs">
        <Tabs.List aria-label={name}>
          <Tabs.Tab value="overview" data-testid="tab-overview">{t('servers.tab.overview')}</Tabs.Tab>
          <Tabs.Tab value="tools" data-testid="tab-tools" rightSection={<span className="ph-badge ph-num">{view.tools}</span>}>
            {t('servers.tab.tools')}
          </Tabs.Tab>
          <Tabs.Tab value="offers" data-testid="tab-offers">{t('servers.tab.offers')}</Tabs.Tab>
          <Tabs.Tab value="log" data-testid="tab-log">{t('servers.tab.log')}</Tabs.Tab>
          <Tabs.Tab value="settings" data-testid="tab-settings">{t('servers.tab.settings')}</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="overview" className="ph-scroll">
          <Overview detail={detail} />
        </Tabs.Panel>
        <Tabs.Panel value="tools" className="ph-scroll">
          <ServerTools server={view} rejected={detail.rejected} />
        </Tabs.Panel>
        <Tabs.Panel value="offers" className="ph-scroll">
          <OffersTab server={view} />
        </Tabs.Panel>
        <Tabs.Panel value="log" className="ph-fill">
          <LogTab server={view} />
        </Tabs.Panel>
        <Tabs.Panel value="settings" className="ph-fill">
          <ServerEditor key={detail.form.id} initial={detail.form} onSaved={() => tell(t('servers.saved', { name }))} />
        </Tabs.Panel>
      </Tabs>
      <Confirm
        open={asking === 'remove'}
        title={t('servers.removeTitle', { name })}
        action={t('servers.remove')}
        busy={remove.isPending}
        onNo={() => setAsking(null)}
        onYes={() =>
          remove.mutate(
            { id: view.id },
            {
              onSuccess: () => go(['servers']),
              onError: (why) => {
                setAsking(null);
                tellFault(why);
              },
            },
          )
        }
      >
        {t('servers.removeHint')}
      </Confirm>
      <TemplateDialog open={asking === 'template'} server={view.id} initial={view.name} onClose={() => setAsking(null)} />
      <ExportDialog open={asking === 'export'} ids={[view.id]} onClose={() => setAsking(null)} />
    </section>
  );
}

function TemplateDialog({ open, server, initial, onClose }: { open: boolean; server: string; initial: string; onClose: () => void }) {
  const { t } = useT();
  const save = useSaveTemplate();
  const [name, setName] = useState(initial);
  return (
    <Modal opened={open} onClose={onClose} title={t('servers.saveTemplate')} size="md" closeButtonProps={{ 'aria-label': t('common.close') }}>
      <form
        className="ph-stack"
        onSubmit={(event) => {
          event.preventDefault();
          save.mutate(
            { server, name: name.trim() },
            {
              onSuccess: () => {
                onClose();
                tell(t('servers.templateSaved', { name: name.trim() }));
              },
            },
          );
        }}
      >
        <TextInput label={t('servers.templateName')} value={name} onChange={(event) => setName(event.currentTarget.value)} data-autofocus required />
        <p className="ph-muted">{t('servers.templateHint')}</p>
        {save.error && <FaultView fault={save.error} />}
        <div className="ph-row ph-modalfoot">
          <Button onClick={onClose}>{t('common.cancel')}</Button>
          <Button type="submit" variant="filled" loading={save.isPending} disabled={name.trim() === ''}>
            {t('servers.saveTemplate')}
          </Button>
        </div>
      </form>
    </Modal>
  );
}
