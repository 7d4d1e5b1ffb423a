/** Which kubeconfig: files that are there, a file of one's own, or text. */
import { Button, Checkbox, SegmentedControl, Textarea } from '@mantine/core';
import { useRef, useState, type FormEvent } from 'react';
import { useT } from '@/shared/i18n/t';
import { bytes } from '@/shared/lib/format';
import { go } from '@/shared/lib/route';
import { visible } from '@/shared/lib/visible';
import { Icon } from '@/shared/ui/icon';
import { Ago, Notice } from '@/shared/ui/parts';
import { Failed, FaultView, Loading } from '@/shared/ui/states';
import { tellFault } from '@/shared/ui/toasts';
import { useKubeconfigs, usePickFile, useReview, type ReviewView } from './api';

type From = 'files' | 'text';

export function ChooseStep({ onReview }: { onReview: (review: ReviewView) => void }) {
  const { t } = useT();
  const found = useKubeconfigs();
  const pick = usePickFile();
  const review = useReview();
  const [from, setFrom] = useState<From>('files');
  const [own, setOwn] = useState<string[]>([]);
  // Only what the person said otherwise: files that were found are taken, unless unticked.
  const [off, setOff] = useState<ReadonlySet<string>>(new Set());
  const [empty, setEmpty] = useState(false);
  const box = useRef<HTMLTextAreaElement>(null);

  const listed = [...(found.data ?? []).map((one) => one.path), ...own.filter((path) => !found.data?.some((one) => one.path === path))];
  const taken = listed.filter((path) => !off.has(path));
  const toggle = (path: string) => {
    const next = new Set(off);
    if (!next.delete(path)) next.add(path);
    setOff(next);
  };
  const send = (event: FormEvent) => {
    event.preventDefault();
    setEmpty(false);
    if (from === 'files') {
      if (taken.length > 0) review.run({ files: taken, text: null }, onReview);
      return;
    }
    const text = box.current?.value ?? '';
    if (text.trim() === '') setEmpty(true);
    else review.run({ files: [], text }, onReview);
    if (box.current) box.current.value = '';
  };
  return (
    <form className="ph-editor" onSubmit={send} data-testid="wizard-choose" noValidate>
      <div className="ph-scroll ph-pad">
        <div className="ph-stack ph-wizard">
          <Notice tone="idle" icon="shield" title={t('wizard.safe')}>
            {t('wizard.safeHint')}
          </Notice>
          <SegmentedControl
            value={from}
            onChange={(next) => setFrom(next as From)}
            aria-label={t('wizard.from')}
            style={{ alignSelf: 'flex-start' }}
            data={[
              { value: 'files', label: t('wizard.files') },
              { value: 'text', label: t('wizard.text') },
            ]}
            data-testid="wizard-from"
          />
          {from === 'files' ? (
            <>
              {found.isPending ? (
                <Loading rows={2} />
              ) : found.error ? (
                <Failed fault={found.error} onRetry={() => void found.refetch()} />
              ) : listed.length === 0 ? (
                <p className="ph-muted" data-testid="no-kubeconfig">
                  {t('wizard.noneFound')}
                </p>
              ) : (
                <ul className="ph-imports">
                  {listed.map((path) => {
                    const one = found.data?.find((file) => file.path === path);
                    return (
                      <li key={path} data-testid="kubeconfig-file">
                        <div className="ph-row">
                          <Checkbox checked={!off.has(path)} onChange={() => toggle(path)} label={<code className="ph-break">{visible(path)}</code>} />
                          <span className="ph-grow" />
                          {one && <span className="ph-muted ph-num">{bytes(one.bytes)}</span>}
                          {one?.changedAt != null && (
                            <span className="ph-muted">
                              {t('wizard.changedAt')} <Ago at={one.changedAt} />
                            </span>
                          )}
                        </div>
                      </li>
                    );
                  })}
                </ul>
              )}
              <div>
                <Button
                  leftSection={<Icon name="file" size={14} />}
                  loading={pick.isPending}
                  onClick={() =>
                    pick.mutate(
                      {},
                      {
                        onSuccess: ({ path }) => {
                          if (path && !listed.includes(path)) setOwn((old) => [...old, path]);
                        },
                        onError: tellFault,
                      },
                    )
                  }
                  data-testid="wizard-pick"
                >
                  {t('wizard.pick')}
                </Button>
              </div>
            </>
          ) : (
            <Textarea
              ref={box}
              label={t('wizard.textLabel')}
              description={t('wizard.textHint')}
              error={empty ? t('wizard.textEmpty') : undefined}
              autosize={false}
              rows={16}
              spellCheck={false}
              autoComplete="off"
              classNames={{ input: 'ph-mono' }}
              data-testid="wizard-text"
            />
          )}
          {review.fault && <FaultView fault={review.fault} />}
        </div>
      </div>
      <footer className="ph-editorfoot">
        <span className="ph-grow" />
        <Button variant="subtle" color="gray" onClick={() => go(['clusters'])}>
          {t('common.cancel')}
        </Button>
        <Button type="submit" variant="filled" loading={review.busy} disabled={from === 'files' && taken.length === 0} data-testid="wizard-review">
          {t('wizard.look')}
        </Button>
      </footer>
    </form>
  );
}
