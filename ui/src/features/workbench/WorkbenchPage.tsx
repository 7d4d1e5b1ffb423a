/** The Workbench: a manifest, what is wrong with it, what it would do, and the way to a cluster and back. */
import { useEffect, useRef, useState, type DragEvent } from 'react';
import { Button, Tabs } from '@mantine/core';
import { useClient } from '@/ipc/query';
import { ask } from '@/ipc/ask';
import { useT } from '@/shared/i18n/t';
import { replace, useRoute } from '@/shared/lib/route';
import { visible } from '@/shared/lib/visible';
import { Icon } from '@/shared/ui/icon';
import { Confirm, Notice } from '@/shared/ui/parts';
import { Split } from '@/shared/ui/split';
import { Empty, FaultView } from '@/shared/ui/states';
import { Waiting } from '@/shared/ui/waiting';
import { YamlEditor } from '@/shared/yaml-editor/editor';
import { Bar } from './Bar';
import type { Tab } from './bench';
import { DiffTab } from './DiffTab';
import { DraftsTab } from './DraftsTab';
import { Head } from './Head';
import { HistoryTab } from './HistoryTab';
import { CALM } from './manifest';
import { useMarks } from './marks';
import { Outline } from './Outline';
import { ProblemsTab } from './ProblemsTab';
import { RehearsalTab } from './RehearsalTab';
import { RolloutTab } from './RolloutTab';
import { TemplateMenu, Toolbar } from './Toolbar';
import { BenchContext, useBench, useBenchHere, useClusterOf, useStanding } from './use-bench';
import { step } from './step';
import './workbench.css';

export function WorkbenchPage() {
  const bench = useBenchHere();
  const route = useRoute();
  // Before anything is drawn: the editor begins with the text as it is now.
  useState(() => bench.resume());
  // What the address asks for is done once; the address of the page itself has nothing in it.
  const query = route.query.toString();
  useEffect(() => {
    const asked = new URLSearchParams(query);
    const value = (key: string) => asked.get(key);
    const [cluster, kind, name, draft, tab] = [value('cluster'), value('kind'), value('name'), value('draft'), value('tab')];
    if (query === '') return;
    replace(['workbench']);
    if (cluster && kind && name) void bench.openObject(cluster, { apiVersion: value('api') ?? 'v1', kind, namespace: value('ns'), name });
    else if (draft) void bench.openDraft(draft).catch(() => undefined);
    else if (cluster) bench.aim({ cluster });
    if (tab === 'history' || tab === 'drafts') bench.show(tab);
  }, [bench, query]);
  return <BenchContext value={bench}><Opened /></BenchContext>;
}

function Opened() {
  const { t } = useT();
  const [state, bench] = useBench();
  const cluster = useClusterOf(state.target.cluster);
  const now = useStanding();
  const [over, setOver] = useState(false);
  const taken = useRef(now);
  useEffect(() => {
    taken.current = now;
  });

  useEffect(() => {
    const down = (event: KeyboardEvent) => {
      if (!(event.ctrlKey || event.metaKey) || event.altKey || event.shiftKey || event.isComposing) return;
      if (document.querySelector('[role="dialog"][aria-modal="true"]')) return;
      const key = event.key.toLowerCase();
      if (key === 'enter') step(bench, taken.current);
      else if (key === 's') void bench.saveFile();
      else if (key === 'o') void bench.openFile();
      else return;
      event.preventDefault();
    };
    window.addEventListener('keydown', down);
    return () => window.removeEventListener('keydown', down);
  }, [bench]);

  const drag = (event: DragEvent) => {
    if (![...event.dataTransfer.types].includes('Files')) return;
    event.preventDefault();
    event.stopPropagation();
    setOver(event.type !== 'drop' && event.type !== 'dragleave');
    const file = event.type === 'drop' ? event.dataTransfer.files[0] : undefined;
    if (file) void bench.drop(file);
  };

  return (
    <section
      className={`ph-workbench ph-colouredge${over ? ' over' : ''}`}
      data-colour={cluster?.colour ?? undefined}
      aria-label={t('workbench.title')}
      onDragOverCapture={drag}
      onDragLeaveCapture={drag}
      onDropCapture={drag}
      data-testid="workbench"
    >
      <Head />
      <Toolbar />
      {(state.fileFault ?? state.openFault) && (
        <div className="ph-pad ph-workbenchnote" data-testid="bench-fault">
          <FaultView
            fault={(state.fileFault ?? state.openFault)!}
            compact
            actions={
              <>
                {state.fileFault?.code === 'file_changed' && (
                  <Button onClick={() => void bench.saveFile(true)} data-testid="save-elsewhere">
                    {t('workbench.saveElsewhere')}
                  </Button>
                )}
                <Button
                  onClick={() => {
                    bench.forgetFileFault();
                    bench.forgetOpenFault();
                  }}
                >
                  {t('common.close')}
                </Button>
              </>
            }
          />
        </div>
      )}
      <Split name="workbench" initial={0.54} min={360} list={<Left />} detail={<Right />} />
      <Bar now={now} />
      <Confirm
        open={state.replacing !== null}
        title={t('workbench.replaceTitle')}
        action={t('workbench.replaceYes')}
        onYes={() => state.replacing?.()}
        onNo={bench.keepText}
      >
        {t('workbench.replaceText')}
        {state.draft.fault && <FaultView fault={state.draft.fault} compact mild />}
      </Confirm>
    </section>
  );
}

function Left() {
  const { t, say } = useT();
  const [state, bench] = useBench();
  const client = useClient();
  const marks = useMarks();
  const [writing, setWriting] = useState(false);
  const target = state.target;
  const name = useClusterOf(target.cluster)?.name ?? '';
  const empty = state.doc.length === 0 && !writing;

  useEffect(() => {
    if (!empty) return;
    const paste = (event: ClipboardEvent) => {
      const where = event.target;
      if (where instanceof HTMLElement && (where.isContentEditable || /^(INPUT|TEXTAREA)$/.test(where.tagName))) return;
      const text = event.clipboardData?.getData('text/plain') ?? '';
      if (text === '') return;
      event.preventDefault();
      void bench.begin(text);
    };
    window.addEventListener('paste', paste);
    return () => window.removeEventListener('paste', paste);
  }, [empty, bench]);

  if (state.opening)
    return (
      <div className="ph-pad" data-testid="bench-opening">
        <p className="ph-muted">{t('workbench.opening', { what: visible(state.opening.what) })}</p>
        <Waiting name={name} onCancel={bench.stopOpening} />
      </div>
    );
  if (empty)
    return (
      <Empty
        icon="edit"
        title={t('workbench.emptyTitle')}
        testId="bench-empty"
        action={
          <>
            <TemplateMenu primary />
            <Button onClick={() => void bench.openFile()} leftSection={<Icon name="folder" size={14} />} data-testid="empty-open">
              {t('workbench.open')}
            </Button>
            <Button
              onClick={() => {
                setWriting(true);
                setTimeout(() => bench.editor.current?.focus(), 50);
              }}
              leftSection={<Icon name="edit" size={14} />}
              data-testid="empty-write"
            >
              {t('workbench.write')}
            </Button>
          </>
        }
      >
        {t('workbench.emptyHint')}
      </Empty>
    );
  const at = { cluster: target.cluster, version: target.cluster === null ? target.version : null };
  const origin = state.origin;
  return (
    <div className="ph-benchleft">
      <Outline />
      {origin.kind === 'object' && origin.secretKeys.length > 0 && (
        <Notice tone="idle" icon="lock" testId="secret-keys">
          {t('workbench.secretMasked')}{' '}
          {origin.secretKeys.map((key) => (
            <button key={key} type="button" className="ph-plain ph-link ph-secretkey" onClick={() => bench.writeValue(key)} data-testid="secret-write">
              {t('workbench.secretWrite', { key: visible(key) })}
            </button>
          ))}
        </Notice>
      )}
      {state.doc.length > CALM && (
        <div className="ph-strip" role="status" data-testid="bench-large">
          <Icon name="info" size={12} />
          <span className="ph-grow">{t('workbench.large')}</span>
        </div>
      )}
      <YamlEditor
        load={state.load}
        onChange={bench.changed}
        marks={marks}
        label={t('workbench.editor')}
        readOnly={state.applying !== null}
        complete={(place, signal) => ask(client, 'wb_complete', { ...place, ...at }, signal)}
        hover={async (place, signal) => (await ask(client, 'wb_hover', { ...place, ...at }, signal)).hover}
        calm={CALM}
        words={{ required: t('workbench.required'), deprecated: t('workbench.deprecated'), oneOf: t('workbench.oneOf') }}
        handle={bench.editor}
        testId="bench-editor"
      />
      <span className="ph-sr" role="status">
        {state.check?.fault ? say(state.check.fault.message) : ''}
      </span>
    </div>
  );
}

const TABS: Tab[] = ['problems', 'rehearsal', 'diff', 'rollout', 'history', 'drafts'];

function Right() {
  const { t } = useT();
  const [state, bench] = useBench();
  const problems = state.check?.view?.problems ?? [];
  const errors = problems.filter((one) => one.severity === 'error').length;
  const count: Partial<Record<Tab, number>> = { problems: problems.length, rollout: state.watched.filter((one) => one.running).length };
  return (
    <Tabs value={state.tab} onChange={(next) => next && bench.show(next as Tab)} className="ph-tabs ph-benchtabs">
      <Tabs.List aria-label={t('workbench.parts')}>
        {TABS.map((tab) => (
          <Tabs.Tab key={tab} value={tab} data-testid={`bench-${tab}`}>
            {t(`workbench.tab.${tab}`)}
            {(count[tab] ?? 0) > 0 && <span className={`ph-badge ph-num${tab === 'problems' && errors > 0 ? ' bad' : ''}`}>{count[tab]}</span>}
          </Tabs.Tab>
        ))}
      </Tabs.List>
      <Tabs.Panel value="problems" className="ph-scroll">
        <ProblemsTab />
      </Tabs.Panel>
      <Tabs.Panel value="rehearsal" className="ph-scroll ph-pad">
        <RehearsalTab />
      </Tabs.Panel>
      <Tabs.Panel value="diff" className="ph-fill">
        <DiffTab />
      </Tabs.Panel>
      <Tabs.Panel value="rollout" className="ph-scroll ph-pad">
        <RolloutTab />
      </Tabs.Panel>
      <Tabs.Panel value="history" className="ph-scroll ph-pad">
        <HistoryTab />
      </Tabs.Panel>
      <Tabs.Panel value="drafts" className="ph-scroll ph-pad">
        <DraftsTab />
      </Tabs.Panel>
    </Tabs>
  );
}
