/** A box for a secret. **Invariant:** its text is in no state; it is read once, when it is sent, and the box is empty afterwards. */
import { Button, PasswordInput } from '@mantine/core';
import { useEffect, useRef, useState, type FormEvent, type ReactNode } from 'react';
import { useT } from '../i18n/t';
import { Icon, type IconName } from './icon';

type BoxProps = { label: string; about?: string; testId?: string; inputRef: React.RefObject<HTMLInputElement | null>; error?: string | null; focus?: boolean };

function Box({ label, about, testId, inputRef, error, focus }: BoxProps) {
  const { t } = useT();
  return (
    <PasswordInput
      ref={inputRef}
      label={label}
      description={about}
      error={error}
      className="ph-narrow"
      autoComplete="off"
      spellCheck={false}
      data-testid={testId}
      data-autofocus={focus || undefined}
      visibilityToggleButtonProps={{ 'aria-label': t('form.showSecret') }}
    />
  );
}

/** What stands in the box, which is empty from now on. */
function take(box: React.RefObject<HTMLInputElement | null>): string {
  const input = box.current;
  if (!input) return '';
  const text = input.value;
  input.value = '';
  return text;
}

type Props = {
  label: string;
  about?: string;
  action: string;
  icon?: IconName;
  /** Asked for twice, because nobody can look it up again. */
  again?: string;
  /** Fewer characters are not sent. */
  least?: number;
  busy?: boolean;
  primary?: boolean;
  focus?: boolean;
  /** What else must be so before it can be sent. */
  ready?: boolean;
  testId: string;
  children?: ReactNode;
  aside?: ReactNode;
  onSend: (secret: string) => void;
};

/** Asks for a secret and sends it. */
export function SecretForm({ label, about, action, icon, again, least = 1, busy, primary = true, focus, ready = true, testId, children, aside, onSend }: Props) {
  const { t } = useT();
  const first = useRef<HTMLInputElement>(null);
  const second = useRef<HTMLInputElement>(null);
  const [wrong, setWrong] = useState<{ at: 'first' | 'second'; why: string } | null>(null);
  useEffect(() => {
    if (focus) first.current?.focus();
  }, [focus]);
  const send = (event: FormEvent) => {
    event.preventDefault();
    if (busy || !ready) return;
    const secret = take(first);
    const repeated = again === undefined ? secret : take(second);
    if (secret === '') setWrong({ at: 'first', why: t('secret.empty') });
    else if ([...secret].length < least) setWrong({ at: 'first', why: t('secret.short', { n: least }) });
    else if (repeated !== secret) setWrong({ at: 'second', why: t('secret.differ') });
    else {
      setWrong(null);
      onSend(secret);
      return;
    }
    first.current?.focus();
  };
  return (
    <form className="ph-stack" onSubmit={send} data-testid={testId} noValidate>
      <Box label={label} about={about} inputRef={first} testId={`${testId}-box`} error={wrong?.at === 'first' ? wrong.why : null} focus={focus} />
      {again !== undefined && <Box label={again} inputRef={second} testId={`${testId}-again`} error={wrong?.at === 'second' ? wrong.why : null} />}
      {children}
      <div className="ph-row wrap">
        <Button type="submit" variant={primary ? 'filled' : 'default'} loading={busy} disabled={!ready} leftSection={icon && <Icon name={icon} size={14} />} data-testid={`${testId}-send`}>
          {action}
        </Button>
        {aside}
      </div>
    </form>
  );
}
