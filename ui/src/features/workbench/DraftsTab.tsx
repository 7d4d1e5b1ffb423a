/** Texts that were saved as they were typed, with what they were before. */
import { Button, TextInput } from '@mantine/core';
import { useState } from 'react';
import { useRead } from '@/ipc/query';
import { asFault } from '@/ipc/fault';
import { useT } from '@/shared/i18n/t';
import { bytes, stamp } from '@/shared/lib/format';
import { visible } from '@/shared/lib/visible';
import { Icon } from '@/shared/ui/icon';
import { Ago, Confirm, IconButton } from '@/shared/ui/parts';
import { Empty, FaultView, Loading } from '@/shared/ui/states';
import { tellFault } from '@/shared/ui/toasts';
import { useDrafts, type WbDraftView } from './api';
import { useBench, useClusterOf } from './use-bench';

export function DraftsTab() {
  const { t } = useT();
  const [state, bench] = useBench();
  const drafts = useDrafts();
  const [removing, setRemoving] = useState<WbDraftView | null>(null);
  return (
    <div className="ph-stack">
      {state.draft.fault && <FaultView fault={state.draft.fault} compact onRetry={() => void bench.saveDraft()} actions={<span>{t('workbench.saveInstead')}</span>} />}
      {state.draft.id !== null && <Name key={state.draft.id} />}
      {!drafts.data ? (
        drafts.error ? (
          <FaultView fault={drafts.error} onRetry={() => void drafts.refetch()} />
        ) : (
          <Loading rows={4} />
        )
      ) : drafts.data.length === 0 ? (
        <Empty icon="file" title={t('workbench.noDrafts')} testId="no-drafts">
          {t('workbench.noDraftsHint')}
        </Empty>
      ) : (
        <ul className="ph-draftlist">
          {drafts.data.map((one) => (
            <Draft key={one.id} draft={one} here={one.id === state.draft.id} onRemove={() => setRemoving(one)} />
          ))}
        </ul>
      )}
      <Confirm
        open={removing !== null}
        title={t('workbench.removeTitle', { name: visible(removing?.name ?? '') })}
        action={t('workbench.removeYes')}
        onYes={() => {
          const id = removing!.id;
          setRemoving(null);
          bench.removeDraft(id).catch((why: unknown) => tellFault(asFault(why, 'wb_draft_remove')));
        }}
        onNo={() => setRemoving(null)}
      >
        {t('workbench.removeText', { count: removing?.versions ?? 0 })}
      </Confirm>
    </div>
  );
}

function Name() {
  const { t } = useT();
  const [state, bench] = useBench();
  const [typed, setTyped] = useState(state.draft.name ?? '');
  const settle = () => typed.trim() !== (state.draft.name ?? '') && bench.rename(typed);
  return (
    <TextInput
      label={t('workbench.draftName')}
      placeholder={t('workbench.draftNameHint')}
      value={typed}
      onChange={(event) => setTyped(event.currentTarget.value)}
      onBlur={settle}
      onKeyDown={(event) => event.key === 'Enter' && !event.ctrlKey && settle()}
      maxLength={120}
      data-testid="draft-name"
    />
  );
}

function Draft({ draft, here, onRemove }: { draft: WbDraftView; here: boolean; onRemove: () => void }) {
  const { t } = useT();
  const [, bench] = useBench();
  const cluster = useClusterOf(draft.cluster);
  const [open, setOpen] = useState(false);
  const load = (version: number | null) => void bench.openDraft(draft.id, version).catch((why: unknown) => tellFault(asFault(why, 'wb_draft_get')));
  return (
    <li className={here ? 'here' : undefined} data-testid="draft" data-key={draft.id}>
      <div className="ph-row">
        <Icon name="file" size={13} />
        <button type="button" className="ph-plain ph-link ph-cut ph-grow" onClick={() => load(null)} data-testid="draft-open">
          {visible(draft.name)}
        </button>
        {here && <span className="ph-tag">{t('workbench.hereNow')}</span>}
        <span className="ph-muted ph-cut">{cluster ? visible(cluster.name) : ''}</span>
        <span className="ph-muted">
          <Ago at={draft.updatedAt} />
        </span>
        <Button size="compact-xs" onClick={() => setOpen(!open)} aria-expanded={open} data-testid="draft-versions">
          {t('workbench.versions', { count: draft.versions })}
        </Button>
        <IconButton icon="trash" label={t('workbench.removeYes')} onClick={onRemove} size={24} testId="draft-remove" />
      </div>
      {open && <Versions draft={draft} onOpen={load} />}
    </li>
  );
}

function Versions({ draft, onOpen }: { draft: WbDraftView; onOpen: (version: number) => void }) {
  const { t } = useT();
  const versions = useRead('wb_draft_versions', { id: draft.id });
  if (versions.error) return <FaultView fault={versions.error} compact onRetry={() => void versions.refetch()} />;
  if (!versions.data) return <Loading rows={2} />;
  return (
    <ul className="ph-versions">
      {versions.data.map((one) => (
        <li key={one.version} className="ph-row ph-num" data-testid="draft-version">
          <span className="ph-grow">{stamp(one.savedAt)}</span>
          <span className="ph-muted">{bytes(one.bytes)}</span>
          <Button size="compact-xs" onClick={() => onOpen(one.version)} data-testid="draft-restore">
            {t('workbench.restore')}
          </Button>
        </li>
      ))}
    </ul>
  );
}
