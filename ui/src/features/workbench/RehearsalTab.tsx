/** What an apply would do, object by object: what differs, what belongs to somebody else, what the server makes of it, and who will set it back. */
import { Button } from '@mantine/core';
import { useState } from 'react';
import { useT } from '@/shared/i18n/t';
import { visible } from '@/shared/lib/visible';
import type { Json } from '@/shared/lib/words';
import { Chip, type Tone } from '@/shared/ui/chips';
import { Icon, type IconName } from '@/shared/ui/icon';
import { Notice } from '@/shared/ui/parts';
import { Empty, FaultView } from '@/shared/ui/states';
import { Waiting } from '@/shared/ui/waiting';
import type { WbChangeView, WbConflictView, WbFieldView } from './api';
import { stale } from './bench';
import { keyOfObject, takeOverOf, titleOf } from './manifest';
import { useBench, useClusterOf } from './use-bench';

const ACTIONS: Record<string, [Tone, IconName]> = { create: ['ok', 'plus'], change: ['warn', 'edit'], unchanged: ['idle', 'check'] };

export function ActionChip({ action }: { action: string }) {
  const { word } = useT();
  const [tone, icon] = ACTIONS[action] ?? (['idle', 'info'] as [Tone, IconName]);
  return (
    <Chip tone={tone} icon={icon}>
      {word('workbench.action', action)}
    </Chip>
  );
}

const MOST = 100;

export function RehearsalTab() {
  const { t, say } = useT();
  const [state, bench] = useBench();
  const cluster = useClusterOf(state.target.cluster);
  const [all, setAll] = useState(false);
  const { rehearsal } = state;
  if (state.rehearsing !== null) return <Waiting name={cluster?.name ?? ''} onCancel={bench.stopRehearsing} />;
  if (state.rehearseFault) return <FaultView fault={state.rehearseFault} onRetry={() => void bench.rehearse()} />;
  if (!rehearsal)
    return (
      <Empty icon="play" title={t('workbench.noRehearsal')} testId="no-rehearsal">
        {t('workbench.noRehearsalHint')}
      </Empty>
    );
  const { view } = rehearsal;
  const old = stale(state);
  const counts = (['create', 'change', 'unchanged'] as const).map((action) => [action, view.changes.filter((one) => one.action === action).length] as const).filter(([, count]) => count > 0);
  const shown = [...view.changes.filter((one) => one.action !== 'unchanged'), ...view.changes.filter((one) => one.action === 'unchanged')];
  // A Secret's key that is left out goes, where we were the one who put it there.
  const lost = view.changes.filter((one) => one.object.kind === 'Secret').flatMap((one) => one.fields.filter((field) => field.after === null && /^(data|stringData)\b/.test(field.path)).map((field) => `${titleOf(one.object)} ${field.path}`));
  return (
    <div className={`ph-stack${old ? ' ph-old' : ''}`} data-testid="rehearsal" data-stale={old ?? 'no'}>
      {state.applyFault && <FaultView fault={state.applyFault} />}
      {old !== null && !state.applied && (
        <Notice tone="warn" testId="rehearsal-stale" actions={<Button onClick={() => void bench.rehearse()}>{t('workbench.act.again')}</Button>}>
          {t(`workbench.why.stale.${old}`)}
        </Notice>
      )}
      <div className="ph-row wrap">
        {counts.map(([action, count]) => (
          <span key={action} className="ph-row">
            <ActionChip action={action} />
            <span className="ph-num">{count}</span>
          </span>
        ))}
        <span className="ph-muted">{t('workbench.on', { name: visible(cluster?.name ?? '') })}</span>
      </div>
      {lost.length > 0 && (
        <Notice tone="bad" icon="warn" title={t('workbench.secretLost')} testId="secret-lost">
          {lost.join('\n')}
        </Notice>
      )}
      {view.conflicts.length > 0 && <Conflicts conflicts={view.conflicts} />}
      {view.undoneBy.map((one) => (
        <Notice key={`${keyOfObject(one.object)}:${one.path}:${one.by}`} tone="warn" icon="refresh" testId="undone-by">
          {one.path === '' ? t('workbench.undoneAll', { what: visible(titleOf(one.object)), by: visible(one.by) }) : t('workbench.undoneField', { what: visible(titleOf(one.object)), path: visible(one.path), by: visible(one.by) })}
        </Notice>
      ))}
      {view.warnings.map((one) => (
        <Notice key={one.en} tone="warn" testId="rehearsal-warning">
          {visible(say(one))}
        </Notice>
      ))}
      <ul className="ph-changes">
        {shown.slice(0, all ? undefined : MOST).map((one, index) => (
          <Change key={keyOfObject(one.object)} change={one} open={index < 4 && one.action !== 'unchanged'} />
        ))}
      </ul>
      {shown.length > MOST && !all && <Button onClick={() => setAll(true)}>{t('workbench.showAll', { count: shown.length })}</Button>}
    </div>
  );
}

function Conflicts({ conflicts }: { conflicts: readonly WbConflictView[] }) {
  const { t } = useT();
  const [state, bench] = useBench();
  return (
    <section className="ph-notice ask" aria-label={t('workbench.conflicts')} data-testid="conflicts">
      <Icon name="person" />
      <div className="ph-grow ph-stack tight">
        <strong>{t('workbench.conflicts')}</strong>
        <div>{t('workbench.conflictsHint')}</div>
        <ul className="ph-lines">
          {conflicts.map((one) => {
            const field = takeOverOf(one.object, one.path);
            const on = state.takeOver.includes(field);
            return (
              <li key={field + one.manager} className="ph-row wrap" data-testid="conflict" data-key={field}>
                <span className="ph-grow">
                  <code className="ph-break">{visible(one.path)}</code>
                  <span className="ph-muted"> · {visible(titleOf(one.object))} · </span>
                  {t('workbench.managedBy', { manager: visible(one.manager) })}
                </span>
                <Button size="compact-xs" variant={on ? 'light' : 'default'} aria-pressed={on} onClick={() => bench.takeOver(field, !on)} data-testid="take-over">
                  {on ? t('workbench.takenOver') : t('workbench.takeOver')}
                </Button>
              </li>
            );
          })}
        </ul>
      </div>
    </section>
  );
}

function Change({ change, open }: { change: WbChangeView; open: boolean }) {
  const { t } = useT();
  const [shown, setShown] = useState(open);
  const [text, setText] = useState(false);
  const some = change.fields.length + change.adjusted.length > 0 || change.diff !== '' || change.extent !== 'whole';
  return (
    <li data-testid="change" data-action={change.action}>
      <details className="ph-group" open={shown} onToggle={(event) => setShown(event.currentTarget.open)}>
        <summary>
          <Icon name="chevronRight" size={12} />
          <ActionChip action={change.action} />
          <span className="ph-cut">
            <span className="ph-muted">{visible(change.object.kind)} </span>
            {visible(change.object.name)}
          </span>
          {change.object.namespace !== null && <span className="ph-faint ph-cut">{visible(change.object.namespace)}</span>}
        </summary>
        {shown && (
          <div className="ph-changebody">
            {change.extent !== 'whole' && (
              <Notice tone="run" testId="extent">
                {change.extent === 'fields' ? t('workbench.extentFields') : t('workbench.extentNothing')}
              </Notice>
            )}
            {change.fields.length > 0 && <Fields fields={change.fields} label={t('workbench.fields')} />}
            {change.adjusted.length > 0 && (
              <div data-testid="adjusted">
                <h3>{t('workbench.adjusted')}</h3>
                <p className="ph-muted">{t('workbench.adjustedHint')}</p>
                <Fields fields={change.adjusted} label={t('workbench.adjusted')} />
              </div>
            )}
            {change.diff !== '' && (
              <>
                <button type="button" className="ph-plain ph-link" onClick={() => setText(!text)} aria-expanded={text} data-testid="show-diff">
                  {text ? t('workbench.hideText') : t('workbench.showText')}
                </button>
                {text && <Unified text={change.diff} />}
              </>
            )}
            {!some && <span className="ph-muted">{t('workbench.nothingDiffers')}</span>}
          </div>
        )}
      </details>
    </li>
  );
}

const written = (value: Json): string => (value === null ? '' : typeof value === 'string' ? value : JSON.stringify(value));

export function Fields({ fields, label }: { fields: readonly WbFieldView[]; label: string }) {
  const { t } = useT();
  const side = (value: Json, kind: 'gone' | 'new') =>
    value === null ? (
      <span className="ph-faint">{t('workbench.absent')}</span>
    ) : (
      <code className={`ph-break ${kind}`} title={written(value).length > 200 ? visible(written(value).slice(0, 4000)) : undefined}>
        {visible(written(value).slice(0, 200))}
        {written(value).length > 200 ? '…' : ''}
      </code>
    );
  return (
    <ul className="ph-fields" aria-label={label}>
      {fields.slice(0, 200).map((one) => (
        <li key={one.path} data-testid="field">
          <code className="ph-break">{visible(one.path)}</code>
          <span className="ph-row wrap">
            {side(one.before, 'gone')}
            <Icon name="chevronRight" size={11} />
            <span className="ph-sr">{t('workbench.becomes')}</span>
            {side(one.after, 'new')}
          </span>
        </li>
      ))}
      {fields.length > 200 && <li className="ph-muted">{t('workbench.moreFields', { count: fields.length - 200 })}</li>}
    </ul>
  );
}

function Unified({ text }: { text: string }) {
  const { t } = useT();
  return (
    // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex
    <pre className="ph-unified" tabIndex={0} role="group" aria-label={t('workbench.asText')}>
      {text.split('\n').map((line, index) => (
        <span key={index} className={line.startsWith('+') ? 'new' : line.startsWith('-') ? 'gone' : line.startsWith('@') ? 'at' : undefined}>
          {visible(line)}
          {'\n'}
        </span>
      ))}
    </pre>
  );
}
