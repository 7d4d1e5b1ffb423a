/** The states that every list and panel has besides being full. */
import { Button } from '@mantine/core';
import type { ReactNode } from 'react';
import { sentence } from '@/shared/lib/format';
import { useT } from '../i18n/t';
import { useLate } from '../lib/hooks';
import type { Fault } from '../lib/words';
import { Icon, type IconName } from './icon';
import { Ident } from './parts';

/** Grey bars, and only once waiting has become noticeable. */
export function Loading({ rows = 8 }: { rows?: number }) {
  const { t } = useT();
  const late = useLate(true);
  return (
    <div className="ph-loading" role="status" data-testid="state-loading">
      <span className="ph-sr">{t('common.loading')}</span>
      {late && Array.from({ length: rows }, (_, i) => <div key={i} className="ph-skeleton" style={{ width: `${92 - ((i * 37) % 45)}%` }} />)}
    </div>
  );
}

/** What this place is for, and the one next step. */
export function Empty({ icon, title, children, action, testId }: { icon: IconName; title: string; children?: ReactNode; action?: ReactNode; testId?: string }) {
  return (
    <div className="ph-empty" data-testid={testId ?? 'state-empty'}>
      <span className="ph-emptyicon">
        <Icon name={icon} size={22} />
      </span>
      <h2>{title}</h2>
      {children && <div className="ph-muted">{children}</div>}
      {action && <div className="ph-row">{action}</div>}
    </div>
  );
}

/** Nothing fits what was typed or chosen. */
export function FilteredEmpty({ onClear, what }: { onClear: () => void; what: string }) {
  const { t } = useT();
  return (
    <Empty icon="filter" title={t('common.nothingFits', { what })} testId="state-filtered" action={<Button onClick={onClear} data-testid="clear-filters">{t('common.clearFilters')}</Button>}>
      {t('common.nothingFitsHint')}
    </Empty>
  );
}

/** What was attempted, on what, why not, what to do; the reference last. */
export function FaultView({ fault, onRetry, actions, compact, mild }: { fault: Fault; onRetry?: () => void; actions?: ReactNode; compact?: boolean; mild?: boolean }) {
  const { t, say } = useT();
  const refused = fault.kind === 'denied';
  const cancelled = fault.kind === 'cancelled';
  const hint = sentence(say(fault.hint));
  return (
    <div className={`ph-notice ${cancelled ? 'idle' : refused ? 'ask' : mild ? 'warn' : 'bad'}${compact ? ' compact' : ''}`} role="alert" data-testid="fault">
      <Icon name={cancelled ? 'stop' : refused ? 'lock' : mild ? 'warn' : 'fail'} />
      <div className="ph-grow ph-stack tight">
        <strong className="ph-break">{sentence(say(fault.message))}</strong>
        {hint && <div className="ph-break">{hint}</div>}
        {(onRetry ?? actions) && (
          <div className="ph-row wrap">
            {onRetry && (
              <Button onClick={onRetry} leftSection={<Icon name="refresh" size={14} />} data-testid="retry">
                {t('common.retry')}
              </Button>
            )}
            {actions}
          </div>
        )}
        <div className="ph-row wrap ph-faultfoot">
          <code>{fault.code}</code>
          {fault.reference && (
            <span className="ph-row">
              {t('common.reference')} <Ident id={fault.reference} />
            </span>
          )}
        </div>
      </div>
    </div>
  );
}

/** A whole panel that could not be filled. */
export function Failed({ fault, onRetry }: { fault: Fault; onRetry?: () => void }) {
  return (
    <div className="ph-failed">
      <FaultView fault={fault} onRetry={onRetry} />
    </div>
  );
}
