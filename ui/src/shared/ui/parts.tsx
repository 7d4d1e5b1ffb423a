/** The small parts that every page is made of. */
import { ActionIcon, Button, Modal, Tooltip } from '@mantine/core';
import { useId, type ReactNode, type Ref } from 'react';
import { relative, stamp } from '../lib/format';
import { useCopy } from '../lib/hooks';
import { useNow } from '../lib/now';
import { useT } from '../i18n/t';
import { Icon, type IconName } from './icon';

/** The head of a page: its noun, what state it is in, one primary action. */
export function PageHead({ title, chips, children }: { title: string; chips?: ReactNode; children?: ReactNode }) {
  return (
    <header className="ph-pagehead">
      <h1>{title}</h1>
      <div className="ph-row ph-grow">{chips}</div>
      <div className="ph-row">{children}</div>
    </header>
  );
}

/** A button that is only an icon; its label is its tooltip and its name. */
export function IconButton({ icon, label, onClick, testId, disabled, pressed, size = 28 }: {
  icon: IconName;
  label: string;
  onClick?: () => void;
  testId?: string;
  disabled?: boolean;
  pressed?: boolean;
  size?: number;
}) {
  return (
    <Tooltip label={label}>
      <ActionIcon size={size} aria-label={label} aria-pressed={pressed} onClick={onClick} disabled={disabled} data-testid={testId} variant={pressed ? 'light' : 'subtle'} color={pressed ? 'helm' : 'gray'}>
        <Icon name={icon} />
      </ActionIcon>
    </Tooltip>
  );
}

/** What opens a menu; made for `Menu.Target`, which gives it its ARIA state. */
export function MenuButton({ icon, label, testId, ...menu }: { icon: IconName; label: string; testId?: string; ref?: Ref<HTMLButtonElement> }) {
  return (
    <ActionIcon {...menu} aria-label={label} title={label} data-testid={testId}>
      <Icon name={icon} />
    </ActionIcon>
  );
}

/** A dialog that draws its own head: named for screen readers, closed with Escape. */
export function Dialog({ open, onClose, label, size, className, yOffset, children }: {
  open: boolean;
  onClose: () => void;
  label: string;
  size: number;
  className: string;
  yOffset?: string;
  children: ReactNode;
}) {
  return (
    <Modal.Root opened={open} onClose={onClose} size={size} centered={yOffset === undefined} yOffset={yOffset} closeOnClickOutside={yOffset !== undefined} padding={0} transitionProps={{ duration: 100, transition: 'fade' }}>
      <Modal.Overlay color="var(--ph-shade)" backgroundOpacity={1} />
      <Modal.Content aria-label={label} className={className}>
        <Modal.Body>{children}</Modal.Body>
      </Modal.Content>
    </Modal.Root>
  );
}

/** Copies; says that it did. */
export function CopyButton({ text, label, words, testId }: { text: string | (() => string); label?: string; words?: boolean; testId?: string }) {
  const { t } = useT();
  const { copied, copy } = useCopy();
  const name = copied ? t('common.copied') : (label ?? t('common.copy'));
  const run = () => copy(typeof text === 'string' ? text : text());
  if (words)
    return (
      <Button leftSection={<Icon name={copied ? 'check' : 'copy'} size={14} />} onClick={run} data-testid={testId}>
        {name}
      </Button>
    );
  return <IconButton icon={copied ? 'check' : 'copy'} label={name} onClick={run} testId={testId} size={22} />;
}

/** A short id in mono with its copy button. */
export function Ident({ id, show }: { id: string; show?: string }) {
  return (
    <span className="ph-ident">
      <code title={id}>{show ?? id}</code>
      <CopyButton text={id} />
    </span>
  );
}

/** `12 s ago`, with the whole time on hover. */
export function Ago({ at }: { at: number }) {
  const now = useNow();
  const { lang } = useT();
  return (
    <time dateTime={new Date(at).toISOString()} title={stamp(at)} className="ph-num">
      {relative(at, Math.max(now, at > now && at - now < 1500 ? at : now), lang)}
    </time>
  );
}

/** Names and values. */
export function Facts({ rows }: { rows: (readonly [string, ReactNode] | null | false)[] }) {
  return (
    <dl className="ph-facts">
      {rows.map((row) =>
        row ? (
          <div key={row[0]}>
            <dt>{row[0]}</dt>
            <dd>{row[1]}</dd>
          </div>
        ) : null,
      )}
    </dl>
  );
}

/** A part of a page under a heading. */
export function Section({ title, aside, children, testId }: { title: ReactNode; aside?: ReactNode; children: ReactNode; testId?: string }) {
  const id = useId();
  return (
    <section className="ph-section" aria-labelledby={id} data-testid={testId}>
      <div className="ph-row ph-spread ph-sectionhead">
        <h2 id={id}>{title}</h2>
        {aside}
      </div>
      {children}
    </section>
  );
}

/** Asks before something is destroyed. */
export function Confirm({ open, title, children, action, onYes, onNo, busy }: {
  open: boolean;
  title: string;
  children: ReactNode;
  action: string;
  onYes: () => void;
  onNo: () => void;
  busy?: boolean;
}) {
  const { t } = useT();
  return (
    <Modal opened={open} onClose={onNo} title={title} size="md" closeButtonProps={{ 'aria-label': t('common.close') }}>
      <div className="ph-stack">
        <div className="ph-break">{children}</div>
        <div className="ph-row ph-modalfoot">
          <Button onClick={onNo}>{t('common.keep')}</Button>
          <Button variant="filled" color="red" onClick={onYes} loading={busy} data-testid="confirm-yes" data-autofocus>
            {action}
          </Button>
        </div>
      </div>
    </Modal>
  );
}

/** Something to know, with its tone. */
export function Notice({ tone, icon, title, children, actions, testId }: {
  tone: 'ok' | 'warn' | 'bad' | 'run' | 'ask' | 'idle';
  icon?: IconName;
  title?: ReactNode;
  children?: ReactNode;
  actions?: ReactNode;
  testId?: string;
}) {
  const icons: Record<typeof tone, IconName> = { ok: 'ok', warn: 'warn', bad: 'fail', run: 'info', ask: 'person', idle: 'info' };
  return (
    <div className={`ph-notice ${tone}`} role={tone === 'bad' ? 'alert' : 'note'} data-testid={testId}>
      <Icon name={icon ?? icons[tone]} />
      <div className="ph-grow ph-stack tight">
        {title && <strong className="ph-break">{title}</strong>}
        {children && <div className="ph-break">{children}</div>}
        {actions && <div className="ph-row wrap">{actions}</div>}
      </div>
    </div>
  );
}

/** Text in mono, scrollable, selectable; never HTML. */
export function CodeBlock({ text, label, maxHeight, wrap }: { text: string; label: string; maxHeight?: number; wrap?: boolean }) {
  return (
    <div className="ph-code">
      {/* A region that scrolls must be reachable with the keyboard. */}
      {/* eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex */}
      <pre tabIndex={0} role="group" aria-label={label} style={{ maxHeight }} className={wrap ? 'wrap' : undefined}>
        {text}
      </pre>
      <CopyButton text={text} />
    </div>
  );
}

/** Keys as they are labelled. */
export const Keys = ({ keys }: { keys: string[] }) => (
  <span className="ph-keys">
    {keys.map((key) => (
      <kbd key={key}>{key}</kbd>
    ))}
  </span>
);
