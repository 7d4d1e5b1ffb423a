/** What another program uses, pasted or from a file: recognised, shown as it would be, taken only where ticked. */
import { Button, Checkbox } from '@mantine/core';
import { useEffect, useRef, useState, type DragEvent } from 'react';
import { useT } from '@/shared/i18n/t';
import { useRested } from '@/shared/lib/hooks';
import { go } from '@/shared/lib/route';
import { visible } from '@/shared/lib/visible';
import { JsonEditor } from '@/shared/json/editor';
import { Chip, type Tone } from '@/shared/ui/chips';
import { Icon, type IconName } from '@/shared/ui/icon';
import { Notice } from '@/shared/ui/parts';
import { FaultView, Loading } from '@/shared/ui/states';
import { tell } from '@/shared/ui/toasts';
import { useImportApply, useImportPreview, useServers, type ImportItem, type ImportPreview } from './api';

const ACTIONS: Record<string, [Tone, IconName]> = { add: ['ok', 'plus'], change: ['warn', 'edit'], same: ['idle', 'check'], refused: ['bad', 'fail'] };
const MAX_TEXT = 4 * 1024 * 1024;

export function PasteServers() {
  const { t } = useT();
  const [text, setText] = useState('');
  const [source, setSource] = useState('pasted');
  const [tooBig, setTooBig] = useState(false);
  const file = useRef<HTMLInputElement>(null);
  const rested = useRested(text, 350);
  const { mutate, reset, data, error, isPending } = useImportPreview();
  useEffect(() => {
    if (rested.trim() === '') reset();
    else mutate({ text: rested, source, take: [] });
  }, [rested, source, mutate, reset]);

  const open = (one: File | undefined) => {
    if (!one) return;
    if (one.size > MAX_TEXT) {
      setTooBig(true);
      return;
    }
    setTooBig(false);
    void one.text().then((found) => {
      setSource(one.name);
      setText(found);
    });
  };
  const drop = (event: DragEvent) => {
    event.preventDefault();
    open(event.dataTransfer.files[0]);
  };

  return (
    // Dropping a file is a short cut for the button beside it.
     
    <div className="ph-editor" onDragOver={(event) => event.preventDefault()} onDrop={drop}>
      <div className="ph-scroll ph-pad">
        <div className="ph-stack">
          <div className="ph-row ph-spread">
            <p className="ph-muted">{t('paste.hint')}</p>
            <Button leftSection={<Icon name="file" size={14} />} onClick={() => file.current?.click()}>
              {t('paste.openFile')}
            </Button>
            <input ref={file} type="file" accept=".json,.jsonc,application/json,text/plain" hidden onChange={(event) => open(event.currentTarget.files?.[0])} aria-label={t('paste.openFile')} />
          </div>
          {tooBig && <Notice tone="bad">{t('paste.tooBig')}</Notice>}
          <JsonEditor
            value={text}
            onChange={(next) => {
              setText(next);
              if (source !== 'pasted') setSource('pasted');
            }}
            label={t('paste.label')}
            minHeight={150}
            maxHeight={280}
            testId="paste-text"
          />
          {error && <FaultView fault={error} />}
          {isPending && !data && <Loading rows={3} />}
          {data && rested.trim() !== '' && <Preview key={data.items.map((item) => item.name).join('\n')} preview={data} text={rested} source={source} />}
        </div>
      </div>
    </div>
  );
}

function Preview({ preview, text, source }: { preview: ImportPreview; text: string; source: string }) {
  const { t, say } = useT();
  const apply = useImportApply();
  const servers = useServers();
  const useful = preview.items.filter((item) => item.action === 'add' || item.action === 'change');
  const [take, setTake] = useState<ReadonlySet<string>>(() => new Set(useful.map((item) => item.name)));
  const chosen = useful.filter((item) => take.has(item.name));
  const toggle = (name: string) => {
    const next = new Set(take);
    if (!next.delete(name)) next.add(name);
    setTake(next);
  };
  const run = () =>
    apply.mutate(
      { text, source, take: chosen.map((item) => item.name) },
      {
        onSuccess: (done) => {
          tell(t('paste.done', { added: done.added.length, changed: done.changed.length }));
          const name = [...done.added, ...done.changed][0];
          void servers.refetch().then((found) => {
            const row = found.data?.find((one) => one.name === name);
            go(row && done.added.length + done.changed.length === 1 ? ['servers', row.id] : ['servers']);
          });
        },
      },
    );
  return (
    <div className="ph-stack" data-testid="import-preview">
      <div className="ph-row">
        <Icon name="check" />
        <strong>{t('paste.recognised', { format: say(preview.format) })}</strong>
      </div>
      {preview.warnings.map((warning, index) => (
        <Notice key={index} tone="warn">
          {say(warning)}
        </Notice>
      ))}
      <ul className="ph-imports">
        {preview.items.map((item) => (
          <Item key={item.name} item={item} taken={take.has(item.name)} onToggle={() => toggle(item.name)} />
        ))}
      </ul>
      {chosen.some((item) => item.startsProgram) && <Notice tone="idle">{t('paste.programs')}</Notice>}
      {apply.error && <FaultView fault={apply.error} />}
      <div className="ph-row">
        <Button variant="filled" disabled={chosen.length === 0} loading={apply.isPending} onClick={run} data-testid="import-apply">
          {t('paste.take', { count: chosen.length })}
        </Button>
      </div>
    </div>
  );
}

function Item({ item, taken, onToggle }: { item: ImportItem; taken: boolean; onToggle: () => void }) {
  const { t, say } = useT();
  const useful = item.action === 'add' || item.action === 'change';
  const [tone, icon] = ACTIONS[item.action] ?? ACTIONS['same']!;
  return (
    <li data-testid="import-item">
      <div className="ph-row">
        <Checkbox checked={useful && taken} disabled={!useful} onChange={onToggle} aria-label={t('paste.takeOne', { name: item.name })} />
        <strong className="ph-cut">{visible(item.name)}</strong>
        <code className="ph-tag">{visible(item.protocol)}</code>
        <span className="ph-grow" />
        <Chip tone={tone} icon={icon}>
          {t(`paste.action.${item.action as 'add'}`)}
        </Chip>
      </div>
      {item.target && (
        <div className="target">
          <span className="ph-muted">{item.startsProgram ? t('paste.wouldRun') : t('paste.wouldReach')}</span>
          <code className="ph-break">{visible(item.target)}</code>
        </div>
      )}
      {item.unset.length > 0 && (
        <div className="ph-row wrap ph-tone-warn">
          <Icon name="warn" size={13} />
          <span>{t('paste.unset', { count: item.unset.length })}</span>
          {item.unset.map((name) => (
            <code key={name} className="ph-tag">
              {name}
            </code>
          ))}
        </div>
      )}
      {item.changes.length > 0 && (
        <table className="ph-table compact">
          <thead>
            <tr>
              <th scope="col">{t('paste.field')}</th>
              <th scope="col">{t('paste.before')}</th>
              <th scope="col">{t('paste.after')}</th>
            </tr>
          </thead>
          <tbody>
            {item.changes.map((change) => (
              <tr key={change.field}>
                <th scope="row">
                  <code>{visible(change.field)}</code>
                </th>
                <td>
                  <code className="ph-break">{visible(change.before) || '–'}</code>
                </td>
                <td>
                  <code className="ph-break">{visible(change.after) || '–'}</code>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {item.fault && (
        <div className="ph-tone-bad ph-break">
          {say(item.fault.message)} {say(item.fault.hint)}
        </div>
      )}
    </li>
  );
}
