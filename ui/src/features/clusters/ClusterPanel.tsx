/** One cluster: how it is reached, how we say who we are, where it came from. */
import { Button, Menu } from '@mantine/core';
import { useState } from 'react';
import { useT } from '@/shared/i18n/t';
import { go } from '@/shared/lib/route';
import { visible } from '@/shared/lib/visible';
import { Chip } from '@/shared/ui/chips';
import { Expiry } from '@/shared/ui/expiry';
import { Icon } from '@/shared/ui/icon';
import { Ago, Confirm, Facts, Ident, IconButton, MenuButton, Notice, Section } from '@/shared/ui/parts';
import { Empty, Failed, FaultView, Loading } from '@/shared/ui/states';
import { tell, tellFault } from '@/shared/ui/toasts';
import { useCluster, useRemove, useRestore, useVerify, type ClusterDetail } from './api';
import { ConnectionSection } from './ConnectionSection';
import { EditSection } from './EditSection';
import { Address, ClusterName, Findings, Fingerprints, Program } from './parts';
import { SignInPart } from './SignInPart';

export function ClusterPanel({ id }: { id: string }) {
  const cluster = useCluster(id);
  const { t } = useT();
  if (cluster.isPending) return <Loading />;
  if (cluster.data) return <Panel cluster={cluster.data} />;
  if (cluster.error.code === 'no_such_cluster')
    return (
      <Empty icon="wheel" title={t('clusters.gone')} action={<Button onClick={() => go(['clusters'])}>{t('clusters.back')}</Button>}>
        {t('clusters.goneHint')}
      </Empty>
    );
  return <Failed fault={cluster.error} onRetry={() => void cluster.refetch()} />;
}

function Panel({ cluster }: { cluster: ClusterDetail }) {
  const row = cluster.view;
  const { t, word } = useT();
  const remove = useRemove();
  const [removing, setRemoving] = useState(false);
  return (
    <section className="ph-panel ph-colouredge" data-colour={row.colour ?? undefined} aria-label={visible(row.name)} data-testid="cluster-panel">
      <header className="ph-panelhead">
        <h2 className="ph-grow">
          <ClusterName name={row.name} colour={row.colour} />
        </h2>
        {row.readOnly && (
          <Chip tone="idle" icon="lock">
            {t('clusters.readOnly')}
          </Chip>
        )}
        {row.insecure && (
          <Chip tone="bad" icon="warn">
            {t('clusters.insecure')}
          </Chip>
        )}
        <Button leftSection={<Icon name="list" size={14} />} title={t('explorer.openHint')} onClick={() => go(['clusters', row.id, 'explore'])} data-testid="cluster-explore">
          {t('explorer.open')}
        </Button>
        <Menu>
          <Menu.Target>
            <MenuButton icon="more" label={t('clusters.actions')} testId="cluster-more" />
          </Menu.Target>
          <Menu.Dropdown>
            <Menu.Item color="red" leftSection={<Icon name="trash" size={14} />} onClick={() => setRemoving(true)} data-testid="cluster-remove">
              {t('clusters.remove')}
            </Menu.Item>
          </Menu.Dropdown>
        </Menu>
        <IconButton icon="close" label={t('common.closePanel')} onClick={() => go(['clusters'])} />
      </header>
      <div className="ph-scroll ph-pad">
        <div className="ph-stack">
          {row.insecure && <Notice tone="bad" title={t('clusters.insecure')}>{t('clusters.insecureHint')}</Notice>}
          <ConnectionSection row={row} />
          <Section title={t('clusters.reach')}>
            <Facts
              rows={[
                [t('clusters.server'), <Address key="s" server={row.server} />],
                [t('clusters.ca'), cluster.caSha256.length > 0 ? <Fingerprints key="c" all={cluster.caSha256} /> : t('clusters.caSystem')],
                cluster.tlsServerName !== null && [t('clusters.tlsName'), <code key="t">{visible(cluster.tlsServerName)}</code>],
                cluster.proxy !== null && [t('clusters.proxy'), <code key="p" className="ph-break">{visible(cluster.proxy)}</code>],
                cluster.namespace !== null && [t('clusters.namespace'), <code key="n">{visible(cluster.namespace)}</code>],
                cluster.impersonate !== null && [t('clusters.impersonate'), <code key="i" className="ph-break">{visible(cluster.impersonate)}</code>],
              ]}
            />
          </Section>
          <Section title={t('clusters.signIn')}>
            <Facts
              rows={[
                [t('clusters.auth'), word('clusterAuth', row.auth)],
                row.expiresAt !== null && [t('clusters.expires'), <Expiry key="e" at={row.expiresAt} />],
                cluster.issuer !== null && [t('clusters.issuer'), <code key="is" className="ph-break">{visible(cluster.issuer)}</code>],
                cluster.tokenFile !== null && [t('clusters.tokenFile'), <code key="tf" className="ph-break">{visible(cluster.tokenFile)}</code>],
              ]}
            />
            {row.auth === 'oidc' && <SignInPart key={row.id} id={row.id} />}
            {cluster.exec && <Program exec={cluster.exec} />}
          </Section>
          <EditSection key={`${row.name}/${cluster.namespace ?? ''}`} cluster={cluster} />
          <Source cluster={cluster} />
        </div>
      </div>
      <Confirm open={removing} title={t('clusters.removeTitle', { name: visible(row.name) })} action={t('clusters.remove')} busy={remove.isPending} onNo={() => setRemoving(false)} onYes={() => remove.mutate({ id: row.id, anyway: row.rewritten }, { onSuccess: () => go(['clusters']), onError: tellFault })}>
        {row.rewritten ? t('clusters.removeRewritten') : t('clusters.removeHint')}
      </Confirm>
    </section>
  );
}

function Source({ cluster }: { cluster: ClusterDetail }) {
  const { t } = useT();
  const verify = useVerify();
  const restore = useRestore();
  const [asking, setAsking] = useState(false);
  const row = cluster.view;
  const file = row.file;
  // Changed since it was rewritten: only a person may decide that those changes go.
  const changed = restore.error?.code === 'kubeconfig_changed';
  return (
    <Section title={t('clusters.source')}>
      <Facts
        rows={[
          [t('clusters.file'), file ? <Ident key="f" id={file} show={visible(file)} /> : t('clusters.pasted')],
          cluster.context !== null && [t('clusters.context'), <code key="c">{visible(cluster.context)}</code>],
          cluster.user !== null && [t('clusters.user'), <code key="u">{visible(cluster.user)}</code>],
          [t('clusters.changed'), <Ago key="a" at={row.updatedAt} />],
        ]}
      />
      {file && (
        <>
          <Notice tone={row.rewritten ? 'ok' : 'idle'} icon={row.rewritten ? 'shield' : 'file'}>
            {row.rewritten ? t('clusters.rewrittenHint') : t('clusters.keptHint')}
          </Notice>
          <div className="ph-row wrap">
            <Button leftSection={<Icon name="shield" size={14} />} loading={verify.isPending} onClick={() => verify.mutate({ files: [file] })} data-testid="cluster-verify">
              {t('clusters.verifyOne')}
            </Button>
            {row.rewritten && (
              <Button leftSection={<Icon name="history" size={14} />} onClick={() => setAsking(true)} data-testid="cluster-restore">
                {t('clusters.restore')}
              </Button>
            )}
          </div>
          {verify.error && <FaultView fault={verify.error} compact />}
          {verify.data && <Findings found={verify.data} />}
          <Confirm
            open={asking}
            title={t('clusters.restoreTitle')}
            action={changed ? t('clusters.restoreAnyway') : t('clusters.restore')}
            busy={restore.isPending}
            onNo={() => {
              setAsking(false);
              restore.reset();
            }}
            onYes={() =>
              restore.mutate(
                { file, anyway: changed },
                {
                  onSuccess: () => {
                    setAsking(false);
                    restore.reset();
                    verify.reset();
                    tell(t('clusters.restored', { file }));
                  },
                },
              )
            }
          >
            <div className="ph-stack">
              <span>{t('clusters.restoreHint', { file: visible(file) })}</span>
              {restore.error && <FaultView fault={restore.error} compact />}
            </div>
          </Confirm>
        </>
      )}
    </Section>
  );
}
