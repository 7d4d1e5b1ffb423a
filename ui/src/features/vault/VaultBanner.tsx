/** The vault's state over every page, where it needs a person or will not last; quiet while all is well. */
import { Button } from '@mantine/core';
import { useState } from 'react';
import { useT } from '@/shared/i18n/t';
import { go } from '@/shared/lib/route';
import { Notice } from '@/shared/ui/parts';
import { called } from './VaultPart';
import { useVault } from './api';
import { Unlock } from './Unlock';

export function VaultBanner() {
  const { t } = useT();
  const vault = useVault();
  // Set aside for one state: another one is told anew.
  const [aside, setAside] = useState<string | null>(null);
  if (!vault.data) return null;
  const state = called(vault.data);
  if (state === 'unlocked' || aside === state) return null;
  const without = (
    <Button variant="subtle" color="gray" onClick={() => setAside(state)} data-testid="vault-without">
      {state === 'session' ? t('vault.understood') : t('vault.without')}
    </Button>
  );
  const settings = (label: string) => (
    <>
      <Button variant="filled" onClick={() => go(['settings'], { at: 'vault' })} data-testid="vault-open">
        {label}
      </Button>
      {without}
    </>
  );
  return (
    <div className="ph-banner" data-testid="vault-banner" data-state={state}>
      {state === 'locked' && (
        <Notice tone="ask" icon="lock" title={t('vault.locked')}>
          <div className="ph-stack tight">
            <span>{vault.data.kind === 'passphrase' ? t('vault.lockedPassphrase') : t('vault.lockedKeyring')}</span>
            <Unlock kind={vault.data.kind} aside={without} />
          </div>
        </Notice>
      )}
      {state === 'absent' && (
        <Notice tone="ask" title={t('vault.absent')} actions={settings(t('vault.chooseNow'))}>
          {t('vault.absentBanner')}
        </Notice>
      )}
      {state === 'session' && (
        <Notice tone="warn" icon="clock" title={t('vault.session')} actions={settings(t('vault.move'))}>
          {t('vault.sessionHint')}
        </Notice>
      )}
      {state === 'key_missing' && (
        <Notice tone="bad" title={t('vault.missing', { count: vault.data.unreadable })} actions={settings(t('vault.look'))}>
          {t('vault.missingHint')}
        </Notice>
      )}
      {state === 'corrupt' && (
        <Notice tone="bad" title={t('vault.corrupt')} actions={settings(t('vault.look'))}>
          {t('vault.corruptHint')}
        </Notice>
      )}
    </div>
  );
}
