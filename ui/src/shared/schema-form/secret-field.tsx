/** A secret in a form. What the vault keeps is said, not shown: it can be replaced or removed, and until the form is saved it can be kept after all. */
import { Button, PasswordInput } from '@mantine/core';
import { useState } from 'react';
import { useT } from '../i18n/t';
import { Icon } from '../ui/icon';

/** Masked secrets come back as this and stay as they are when left alone. */
const MASK = '•••';

/** Whether a value only says where in the vault the secret is. */
export const isKept = (text: string): boolean => /\$\{vault:[^}]*\}/.test(text);

type Props = { text: string; label: string; hint?: string; disabled?: boolean; onChange: (text: string) => void; common: Record<string, unknown> };

export function SecretField({ text, label, hint, disabled, onChange, common }: Props) {
  const { t } = useT();
  // What stood here before it was replaced or removed.
  const [before, setBefore] = useState<{ text: string; gone: boolean } | null>(null);
  if (isKept(text))
    return (
      <div className="ph-kept" data-testid="secret-kept">
        <Icon name="shield" size={14} className="ph-tone-ok" />
        <span className="ph-grow">{t('form.inVault')}</span>
        {!disabled && (
          <>
            <Button
              aria-label={`${t('form.replace')}: ${label}`}
              onClick={() => {
                setBefore({ text, gone: false });
                onChange('');
              }}
              data-testid="secret-field-replace"
            >
              {t('form.replace')}
            </Button>
            <Button
              variant="subtle"
              color="gray"
              aria-label={`${t('form.remove')}: ${label}`}
              onClick={() => {
                setBefore({ text, gone: true });
                onChange('');
              }}
              data-testid="secret-field-remove"
            >
              {t('form.remove')}
            </Button>
          </>
        )}
      </div>
    );
  const back = before && (
    <Button
      variant="subtle"
      color="gray"
      onClick={() => {
        onChange(before.text);
        setBefore(null);
      }}
      data-testid="secret-field-back"
    >
      {t('form.keepVault')}
    </Button>
  );
  if (before?.gone && text === '')
    return (
      <div className="ph-kept" role="status">
        <span className="ph-grow ph-muted">{t('form.removed')}</span>
        {back}
      </div>
    );
  return (
    <div className="ph-row">
      <PasswordInput
        {...common}
        className="ph-grow"
        value={text}
        disabled={disabled}
        onChange={(event) => onChange(event.currentTarget.value)}
        onFocus={(event) => {
          // The mask is not the secret: what is typed replaces it whole.
          if (text === MASK) event.currentTarget.select();
        }}
        placeholder={hint ?? t('form.secretHint')}
        autoComplete="off"
        visibilityToggleButtonProps={{ 'aria-label': t('form.showSecret') }}
        description={text === MASK ? t('form.masked') : undefined}
        inputWrapperOrder={['input', 'description', 'error']}
      />
      {back}
    </div>
  );
}
