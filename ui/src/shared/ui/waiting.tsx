/** Waiting for a cluster, and having stopped to. */
import { Button } from '@mantine/core';
import { useT } from '../i18n/t';
import { useLate } from '../lib/hooks';
import { visible } from '../lib/visible';
import { Icon } from './icon';
import { Empty, Loading } from './states';

/** Grey bars; after a while what is waited for, and a way out. */
export function Waiting({ name, onCancel, after = 1500 }: { name: string; onCancel: () => void; after?: number }) {
  const { t } = useT();
  const late = useLate(true, after);
  return (
    <div>
      {late && (
        <div className="ph-strip" role="status" data-testid="explore-late">
          <Icon name="busy" size={12} />
          <span className="ph-grow">{t('explorer.late', { name: visible(name) })}</span>
          <button type="button" className="ph-plain ph-link" onClick={onCancel} data-testid="explore-cancel">
            {t('common.cancel')}
          </button>
        </div>
      )}
      <Loading />
    </div>
  );
}

export function GivenUp({ name, onRetry }: { name: string; onRetry: () => void }) {
  const { t } = useT();
  return (
    <Empty
      icon="stop"
      title={t('explorer.givenUp', { name: visible(name) })}
      testId="explore-given-up"
      action={
        <Button onClick={onRetry} leftSection={<Icon name="refresh" size={14} />} data-testid="retry">
          {t('common.retry')}
        </Button>
      }
    >
      {t('explorer.givenUpHint')}
    </Empty>
  );
}
