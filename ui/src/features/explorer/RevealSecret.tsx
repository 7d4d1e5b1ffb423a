/** One value of a Secret at a time, because somebody asked for it. **Invariant:** the value is in this component alone, in no cache, and gone after half a minute. */
import { Button } from '@mantine/core';
import { useEffect, useState } from 'react';
import { useSecretChange } from '@/ipc/query';
import type { KubeRevealView } from '@/ipc/bindings';
import { useT } from '@/shared/i18n/t';
import { visible } from '@/shared/lib/visible';
import { Icon } from '@/shared/ui/icon';
import { CopyButton, Section } from '@/shared/ui/parts';
import { FaultView } from '@/shared/ui/states';

/** So long a value is shown. */
export const SHOWN = 30_000;

type Props = { cluster: string; namespace: string | null; name: string; keys: readonly string[] };

export function RevealSecret({ cluster, namespace, name, keys }: Props) {
  const { t } = useT();
  const reveal = useSecretChange('kube_reveal');
  const [asked, setAsked] = useState<string | null>(null);
  const [shown, setShown] = useState<{ key: string; value: KubeRevealView } | null>(null);
  useEffect(() => {
    if (!shown) return undefined;
    const timer = setTimeout(() => setShown(null), SHOWN);
    return () => clearTimeout(timer);
  }, [shown]);
  const ask = (key: string) => {
    setShown(null);
    setAsked(key);
    reveal.run({ cluster, namespace, name, key }, (value) => setShown({ key, value }));
  };
  const hide = () => setShown(null);
  return (
    <Section title={t('reveal.title')} testId="reveal">
      <p className="ph-muted">{t('reveal.hint')}</p>
      <ul className="ph-lines">
        {keys.map((key) => {
          const open = shown?.key === key ? shown.value : null;
          return (
            <li key={key} className="ph-stack tight" data-testid="reveal-row" data-key={key}>
              <span className="ph-row wrap">
                <code className="ph-break">{visible(key)}</code>
                <span className="ph-grow" />
                {open ? (
                  <Button leftSection={<Icon name="lock" size={14} />} onClick={hide} data-testid="reveal-hide">
                    {t('reveal.hide')}
                  </Button>
                ) : (
                  <Button leftSection={<Icon name="lock" size={14} />} loading={reveal.busy && asked === key} disabled={reveal.busy} onClick={() => ask(key)} data-testid="reveal-show" aria-label={t('reveal.showOf', { key: visible(key) })}>
                    {t('reveal.show')}
                  </Button>
                )}
              </span>
              {open && (
                <span className="ph-row wrap">
                  {open.text === null ? (
                    <span className="ph-muted">{t('reveal.bytes', { count: open.bytes })}</span>
                  ) : (
                    <>
                      <code className="ph-break ph-revealed" data-testid="reveal-value">
                        {visible(open.text)}
                      </code>
                      <CopyButton text={open.text} label={t('reveal.copy')} testId="reveal-copy" />
                    </>
                  )}
                  <span className="ph-faint">{t('reveal.soon')}</span>
                </span>
              )}
              {asked === key && reveal.fault && <FaultView fault={reveal.fault} compact />}
            </li>
          );
        })}
      </ul>
    </Section>
  );
}
