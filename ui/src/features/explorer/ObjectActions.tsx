/** What can be done with one object: each act is named with the object and its cluster, goes through policy, and says how to quote it and take it back. */
import { Button, Checkbox, Menu, Modal, NumberInput, Select } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState, type FormEvent } from 'react';
import type { Json, KubeAct, KubeRevisionView, UiFault } from '@/ipc/bindings';
import { useClient, useSpeaking } from '@/ipc/query';
import { useT } from '@/shared/i18n/t';
import { uuid } from '@/shared/lib/hooks';
import { visible } from '@/shared/lib/visible';
import { ClusterName } from '@/shared/ui/cluster-name';
import { Icon } from '@/shared/ui/icon';
import { MenuButton, Notice } from '@/shared/ui/parts';
import { FaultView } from '@/shared/ui/states';
import { tell, tellFault } from '@/shared/ui/toasts';
import type { ClusterDetail, KubeKindView } from './api';

type Of = { cluster: ClusterDetail; kind: KubeKindView; namespace: string | null; name: string };
type Doing = KubeAct['do'];

const ROLLED_OUT = ['deployments.apps', 'statefulsets.apps', 'daemonsets.apps'];
const SCALED = ['deployments.apps', 'statefulsets.apps', 'replicasets.apps', 'replicationcontrollers'];

const at = (object: Json, ...path: string[]): Json | undefined =>
  path.reduce<Json | undefined>((value, key) => (typeof value === 'object' && value !== null && !Array.isArray(value) ? value[key] : undefined), object);

/** What can be done with an object of that kind; a kind of somebody else's that counts replicas can be scaled, too. */
export function actsOn(kind: KubeKindView, object: Json): Doing[] {
  const acts: Doing[] = [];
  if (SCALED.includes(kind.name) || typeof at(object, 'spec', 'replicas') === 'number') acts.push('scale');
  if (ROLLED_OUT.includes(kind.name)) acts.push('restart', 'roll_back');
  if (kind.name === 'nodes') acts.push(at(object, 'spec', 'unschedulable') === true ? 'uncordon' : 'cordon', 'drain');
  acts.push('delete');
  return acts;
}

const WORD = { scale: 'scale', restart: 'restart', roll_back: 'rollBack', cordon: 'cordon', uncordon: 'uncordon', drain: 'drain', delete: 'delete' } as const;
const DESTROYS: Doing[] = ['drain', 'delete'];

export function ObjectActions({ cluster, kind, namespace, name, object, onDone }: Of & { object: Json; onDone: (gone: boolean) => void }) {
  const { t } = useT();
  const [doing, setDoing] = useState<Doing | null>(null);
  const run = useRun({ cluster, kind, namespace, name }, onDone);
  const start = (act: Doing) => {
    run.reset();
    if (act === 'uncordon') void run.go({ do: 'uncordon' });
    else setDoing(act);
  };
  return (
    <>
      <Menu>
        <Menu.Target>
          <MenuButton icon="more" label={t('explorer.acts', { name: visible(name) })} testId="object-acts" />
        </Menu.Target>
        <Menu.Dropdown>
          {cluster.view.readOnly && <Menu.Label>{t('explorer.readOnlyHere')}</Menu.Label>}
          {actsOn(kind, object).map((act) => (
            <Menu.Item key={act} disabled={cluster.view.readOnly || run.busy} color={DESTROYS.includes(act) ? 'red' : undefined} onClick={() => start(act)} data-testid={`act-${act}`}>
              {t(`explorer.${WORD[act]}`)}
            </Menu.Item>
          ))}
        </Menu.Dropdown>
      </Menu>
      {doing !== null && (
        <ActDialog
          key={doing}
          of={{ cluster, kind, namespace, name }}
          object={object}
          doing={doing}
          run={run}
          onClose={() => {
            run.giveUp();
            setDoing(null);
          }}
          onDone={() => setDoing(null)}
        />
      )}
    </>
  );
}

type Run = { busy: boolean; step: string | null; fault: UiFault | null; go: (act: KubeAct) => Promise<boolean>; giveUp: () => void; reset: () => void };

/** One act at a time; it is told where it ends, also when its dialog was closed. */
function useRun({ cluster, kind, namespace, name }: Of, onDone: (gone: boolean) => void): Run {
  const { t, say } = useT();
  const client = useClient();
  const speak = useSpeaking();
  const [ask, setAsk] = useState<string | null>(null);
  const [step, setStep] = useState<string | null>(null);
  const [fault, setFault] = useState<UiFault | null>(null);
  const go = async (act: KubeAct) => {
    const id = uuid();
    setAsk(id);
    setFault(null);
    try {
      const done = await speak('kube_act', { cluster: cluster.view.id, kind: kind.name, namespace, name, act, ask: id }, (told) => setStep(told.text));
      const words = { name: visible(name), audit: done.auditId, undo: done.undoId ?? '' };
      tell(t(done.undoId !== null ? 'explorer.actUndo' : done.changed ? 'explorer.actDone' : 'explorer.actNothing', words));
      done.warnings.forEach((warning) => tell(say(warning)));
      onDone(act.do === 'delete' && done.changed);
      return true;
    } catch (thrown) {
      const said = thrown as UiFault;
      setFault(said);
      if (act.do === 'uncordon') tellFault(said);
      return false;
    } finally {
      setAsk(null);
      setStep(null);
    }
  };
  return { busy: ask !== null, step, fault, go, reset: () => setFault(null), giveUp: () => void (ask !== null && client.call('kube_cancel', { id: ask }).catch(() => undefined)) };
}

function ActDialog({ of, object, doing, run, onClose, onDone }: { of: Of; object: Json; doing: Doing; run: Run; onClose: () => void; onDone: () => void }) {
  const { t } = useT();
  const now = at(object, 'spec', 'replicas');
  const [replicas, setReplicas] = useState<number | string>(typeof now === 'number' ? now : 1);
  const [propagation, setPropagation] = useState('background');
  const [force, setForce] = useState(false);
  const [emptyDir, setEmptyDir] = useState(false);
  const [revision, setRevision] = useState<string | null>(null);
  const uid = at(object, 'metadata', 'uid');
  const count = Number(replicas);
  const act = (): KubeAct | null => {
    switch (doing) {
      case 'scale':
        return replicas !== '' && Number.isInteger(count) && count >= 0 && count <= 100_000 ? { do: 'scale', replicas: count } : null;
      case 'roll_back':
        return revision === null ? null : { do: 'roll_back', revision: Number(revision) };
      case 'drain':
        return { do: 'drain', force, deleteEmptydirData: emptyDir };
      case 'delete':
        return { do: 'delete', propagation, uid: typeof uid === 'string' ? uid : null };
      default:
        return { do: doing };
    }
  };
  const wanted = act();
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (wanted !== null) void run.go(wanted).then((done) => done && onDone());
  };
  const word = WORD[doing];
  const destroys = DESTROYS.includes(doing);
  return (
    <Modal opened onClose={onClose} title={t(`explorer.${word}Title` as 'explorer.scaleTitle', { name: visible(of.name) })} closeButtonProps={{ 'aria-label': t('common.close') }}>
      <form className="ph-stack ph-colouredge" data-colour={of.cluster.view.colour ?? undefined} noValidate onSubmit={submit} data-testid="act-dialog">
        <div className="ph-row">
          <span className="ph-muted">{t('explorer.inCluster')}</span>
          <ClusterName name={of.cluster.view.name} colour={of.cluster.view.colour} />
        </div>
        <div className="ph-break">
          {visible(of.kind.kind)} <strong>{visible(of.name)}</strong>
          {of.namespace !== null && <> · {visible(of.namespace)}</>}
        </div>
        {doing === 'scale' && (
          <NumberInput label={t('explorer.replicas')} description={typeof now === 'number' ? t('explorer.replicasNow', { count: now }) : undefined} value={replicas} onChange={setReplicas} min={0} max={100_000} allowDecimal={false} data-autofocus data-testid="act-replicas" />
        )}
        {doing === 'restart' && <div>{t('explorer.restartHint')}</div>}
        {doing === 'roll_back' && <Revisions of={of} value={revision} onChange={setRevision} />}
        {doing === 'cordon' && <div>{t('explorer.cordonHint')}</div>}
        {doing === 'drain' && (
          <>
            <div>{t('explorer.drainHint')}</div>
            <Checkbox label={t('explorer.drainForce')} checked={force} onChange={(event) => setForce(event.currentTarget.checked)} data-testid="act-force" />
            <Checkbox label={t('explorer.drainEmptyDir')} checked={emptyDir} onChange={(event) => setEmptyDir(event.currentTarget.checked)} data-testid="act-emptydir" />
          </>
        )}
        {doing === 'delete' && (
          <>
            <Notice tone="warn">{t('explorer.deleteHint')}</Notice>
            <Select
              label={t('explorer.propagation')}
              data={[
                { value: 'background', label: t('explorer.propagationBackground') },
                { value: 'foreground', label: t('explorer.propagationForeground') },
                { value: 'orphan', label: t('explorer.propagationOrphan') },
              ]}
              value={propagation}
              onChange={(value) => setPropagation(value ?? 'background')}
              allowDeselect={false}
              data-testid="act-propagation"
            />
          </>
        )}
        {run.fault && <FaultView fault={run.fault} compact />}
        {run.busy && (
          <div className="ph-row ph-muted" role="status" data-testid="act-going">
            <Icon name="busy" size={14} />
            {run.step === null ? t('explorer.actGoing') : visible(run.step)}
          </div>
        )}
        <div className="ph-row ph-modalfoot">
          <Button onClick={onClose}>{t('common.cancel')}</Button>
          <Button type="submit" variant="filled" color={destroys ? 'red' : undefined} loading={run.busy} disabled={wanted === null} data-testid="act-yes">
            {t(`explorer.${word}Yes` as 'explorer.scaleYes')}
          </Button>
        </div>
      </form>
    </Modal>
  );
}

function Revisions({ of, value, onChange }: { of: Of; value: string | null; onChange: (value: string | null) => void }) {
  const { t } = useT();
  const client = useClient();
  const asked = { cluster: of.cluster.view.id, kind: of.kind.name, namespace: of.namespace, name: of.name };
  const list = useQuery<KubeRevisionView[], UiFault>({
    queryKey: ['kube_revisions', asked],
    gcTime: 0,
    staleTime: 0,
    queryFn: ({ signal }) => {
      const ask = uuid();
      signal.addEventListener('abort', () => void client.call('kube_cancel', { id: ask }).catch(() => undefined), { once: true });
      return client.call('kube_revisions', { ...asked, ask });
    },
  });
  if (list.error) return <FaultView fault={list.error} compact />;
  const all = list.data ?? [];
  if (list.data && all.every((one) => one.current)) return <div className="ph-muted">{t('explorer.revisionsNone')}</div>;
  const label = (one: KubeRevisionView) => {
    const number = one.current ? t('explorer.revisionNow', { revision: one.revision }) : String(one.revision);
    return t('explorer.revisionOne', { revision: number, images: visible([...one.images, ...(one.changeCause === null ? [] : [one.changeCause])].join(', ')) });
  };
  return (
    <Select
      label={t('explorer.revision')}
      data={all.map((one) => ({ value: String(one.revision), label: label(one), disabled: one.current }))}
      value={value}
      onChange={onChange}
      disabled={!list.data}
      data-testid="act-revision"
    />
  );
}
