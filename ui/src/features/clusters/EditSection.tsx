/** What a person may change about a cluster: name, colour, namespace, read-only, its program, and how its certificate is checked. Each
 * change waits for the core's answer; nothing is shown as done before it is. */
import { Button, Modal, Select, Switch, Textarea, TextInput } from '@mantine/core';
import { useState, type FormEvent } from 'react';
import { useT } from '@/shared/i18n/t';
import { visible } from '@/shared/lib/visible';
import { Notice, Section } from '@/shared/ui/parts';
import { FaultView } from '@/shared/ui/states';
import { tell } from '@/shared/ui/toasts';
import { COLOURS, useSet, type ClusterDetail, type ClusterSetReq } from './api';
import { ColourMark, Fingerprints } from './parts';
import { TrustProgram } from './TrustProgram';

/** A request that changes nothing yet. */
const same = (id: string): ClusterSetReq => ({ id, name: null, colour: null, namespace: null, readOnly: null, insecure: null, typed: null, authorities: null, trust: null });

export function EditSection({ cluster }: { cluster: ClusterDetail }) {
  const { t, word } = useT();
  const row = cluster.view;
  const set = useSet();
  const [name, setName] = useState(row.name);
  const [namespace, setNamespace] = useState(cluster.namespace ?? '');
  const [asking, setAsking] = useState<'insecure' | 'authorities' | null>(null);
  const change = (part: Partial<ClusterSetReq>, done?: () => void) => set.mutate({ ...same(row.id), ...part }, { onSuccess: () => { tell(t('edit.done')); done?.(); } });
  const save = (event: FormEvent) => {
    event.preventDefault();
    change({
      name: name.trim() === row.name ? null : name,
      namespace: namespace.trim() === (cluster.namespace ?? '') ? null : namespace.trim(),
    });
  };
  const differs = (name.trim() !== row.name && name.trim() !== '') || namespace.trim() !== (cluster.namespace ?? '');
  return (
    <Section title={t('edit.title')} testId="cluster-edit">
      <form className="ph-stack" onSubmit={save} noValidate>
        <TextInput label={t('edit.name')} value={name} onChange={(event) => setName(event.currentTarget.value)} autoComplete="off" spellCheck={false} data-testid="cluster-name" />
        <TextInput label={t('clusters.namespace')} placeholder="default" value={namespace} onChange={(event) => setNamespace(event.currentTarget.value)} autoComplete="off" spellCheck={false} data-testid="cluster-namespace" />
        <div className="ph-row">
          <Button type="submit" disabled={!differs} loading={set.isPending} data-testid="cluster-save">
            {t('edit.save')}
          </Button>
        </div>
      </form>
      <Select
        label={t('edit.colour')}
        value={row.colour ?? ''}
        onChange={(colour) => change({ colour: colour ?? '' })}
        disabled={set.isPending}
        allowDeselect={false}
        leftSection={<ColourMark colour={row.colour} />}
        data={[{ value: '', label: t('edit.noColour') }, ...COLOURS.map((colour) => ({ value: colour, label: word('colour', colour) }))]}
        data-testid="cluster-colour"
      />
      <Switch
        checked={row.readOnly}
        disabled={set.isPending}
        onChange={(event) => change({ readOnly: event.currentTarget.checked })}
        label={t('edit.readOnly')}
        description={t('edit.readOnlyHint')}
        data-testid="cluster-read-only"
      />
      {cluster.exec && <TrustProgram cluster={cluster} busy={set.isPending} onTrust={(trust, done) => change({ trust }, done)} />}
      <Switch
        checked={row.insecure}
        disabled={set.isPending}
        onChange={(event) => (event.currentTarget.checked ? setAsking('insecure') : change({ insecure: false }))}
        label={t('edit.insecure')}
        description={t('edit.insecureHint')}
        data-testid="cluster-insecure"
      />
      <div className="ph-row">
        <Button onClick={() => setAsking('authorities')} data-testid="cluster-authorities">
          {t('edit.authorities')}
        </Button>
      </div>
      {set.error && asking === null && <FaultView fault={set.error} compact />}
      <InsecureDialog
        open={asking === 'insecure'}
        name={row.name}
        busy={set.isPending}
        fault={set.error}
        onClose={() => { setAsking(null); set.reset(); }}
        onInstead={() => { set.reset(); setAsking('authorities'); }}
        onYes={(typed) => change({ insecure: true, typed }, () => setAsking(null))}
      />
      <AuthoritiesDialog
        open={asking === 'authorities'}
        cluster={cluster}
        busy={set.isPending}
        fault={set.error}
        onClose={() => { setAsking(null); set.reset(); }}
        onYes={(authorities) => change({ authorities, insecure: row.insecure ? false : null }, () => setAsking(null))}
      />
    </Section>
  );
}

type Ask = { open: boolean; busy: boolean; fault: Parameters<typeof FaultView>[0]['fault'] | null; onClose: () => void };

function InsecureDialog({ open, name, busy, fault, onClose, onInstead, onYes }: Ask & { name: string; onInstead: () => void; onYes: (typed: string) => void }) {
  const { t } = useT();
  const [typed, setTyped] = useState('');
  const close = () => {
    setTyped('');
    onClose();
  };
  return (
    <Modal opened={open} onClose={close} title={t('edit.insecureTitle', { name: visible(name) })} closeButtonProps={{ 'aria-label': t('common.close') }}>
      <form
        className="ph-stack"
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          onYes(typed);
          setTyped('');
        }}
      >
        <Notice tone="bad">{t('clusters.insecureHint')}</Notice>
        <div>{t('edit.insecureInstead')}</div>
        <div className="ph-row">
          <Button onClick={() => { setTyped(''); onInstead(); }} data-testid="insecure-instead">
            {t('edit.authorities')}
          </Button>
        </div>
        <TextInput label={t('edit.type', { name: visible(name) })} value={typed} onChange={(event) => setTyped(event.currentTarget.value)} autoComplete="off" spellCheck={false} data-testid="insecure-typed" />
        {fault && <FaultView fault={fault} compact />}
        <div className="ph-row ph-modalfoot">
          <Button onClick={close}>{t('common.keep')}</Button>
          <Button type="submit" variant="filled" color="red" disabled={typed !== name} loading={busy} data-testid="insecure-yes">
            {t('edit.insecureYes')}
          </Button>
        </div>
      </form>
    </Modal>
  );
}

function AuthoritiesDialog({ open, cluster, busy, fault, onClose, onYes }: Ask & { cluster: ClusterDetail; onYes: (authorities: string) => void }) {
  const { t } = useT();
  const [text, setText] = useState('');
  const close = () => {
    setText('');
    onClose();
  };
  return (
    <Modal opened={open} onClose={close} size="lg" title={t('edit.authoritiesTitle')} closeButtonProps={{ 'aria-label': t('common.close') }}>
      <form
        className="ph-stack"
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          onYes(text);
        }}
      >
        <div>{t('edit.now')}</div>
        {cluster.caSha256.length > 0 ? <Fingerprints all={cluster.caSha256} /> : <span className="ph-muted">{t('clusters.caSystem')}</span>}
        <Textarea label={t('edit.pem')} description={t('edit.pemHint')} value={text} onChange={(event) => setText(event.currentTarget.value)} rows={8} spellCheck={false} autoComplete="off" classNames={{ input: 'ph-mono' }} data-testid="authorities-text" />
        {fault && <FaultView fault={fault} compact />}
        <div className="ph-row ph-modalfoot">
          <Button onClick={close}>{t('common.cancel')}</Button>
          <Button type="submit" variant="filled" loading={busy} disabled={text.trim() === ''} data-testid="authorities-yes">
            {t('edit.authoritiesYes')}
          </Button>
        </div>
      </form>
    </Modal>
  );
}
