/** Opening the vault, the way its key is kept: by asking the keyring, or with the passphrase. What waits says since when, and can be left. */
import { Button } from '@mantine/core';
import { useT } from '@/shared/i18n/t';
import { duration } from '@/shared/lib/format';
import { useNow } from '@/shared/lib/now';
import { Icon } from '@/shared/ui/icon';
import { SecretForm } from '@/shared/ui/secret-box';
import { FaultView } from '@/shared/ui/states';
import { useUnlock } from './api';

export function Unlock({ kind, aside, focus, label }: { kind: string | null; aside?: React.ReactNode; focus?: boolean; label?: string }) {
  const { t } = useT();
  const unlock = useUnlock();
  const fault = unlock.fault && <FaultView fault={unlock.fault} compact />;
  if (kind === 'passphrase')
    return (
      <div className="ph-stack tight">
        <SecretForm label={t('vault.passphrase')} action={t('vault.unlock')} busy={unlock.busy} focus={focus} testId="vault-passphrase" onSend={(passphrase) => unlock.run({ passphrase })} aside={aside} />
        {fault}
      </div>
    );
  return (
    <div className="ph-stack tight">
      {unlock.busy ? (
        <Waiting since={unlock.since!} onLeave={unlock.leave} />
      ) : (
        <div className="ph-row wrap">
          <Button variant={label ? 'default' : 'filled'} onClick={() => unlock.run({ passphrase: null })} data-testid="vault-unlock">
            {label ?? t('vault.unlock')}
          </Button>
          {aside}
        </div>
      )}
      {fault}
    </div>
  );
}

/** The keyring asks in a window of its own, which may stand behind this one. */
function Waiting({ since, onLeave }: { since: number; onLeave: () => void }) {
  const { t } = useT();
  const now = useNow();
  return (
    <div className="ph-row wrap" role="status" data-testid="vault-waiting">
      <Icon name="busy" className="ph-tone-run" />
      <span>{t('vault.waiting', { time: duration(Math.floor(Math.max(0, now - since) / 1000) * 1000) })}</span>
      <Button onClick={onLeave} data-testid="vault-leave">
        {t('vault.leave')}
      </Button>
    </div>
  );
}
