/** How the vault's key is kept. Nothing is chosen beforehand, and nothing is done by closing it. */
import { Button, Radio } from '@mantine/core';
import { useState } from 'react';
import { useT } from '@/shared/i18n/t';
import { SecretForm } from '@/shared/ui/secret-box';
import { FaultView } from '@/shared/ui/states';
import { useSettle } from './api';

/** Fewer are guessed too soon. */
export const LEAST = 8;

export type Way = 'keyring' | 'passphrase' | 'session';

export function Choose({ ways, action, onDone }: { ways: readonly Way[]; action: string; onDone?: () => void }) {
  const { t } = useT();
  const settle = useSettle();
  const [way, setWay] = useState<Way | null>(null);
  return (
    <div className="ph-stack" data-testid="vault-choose">
      <Radio.Group value={way ?? ''} onChange={(next) => setWay(next as Way)} aria-label={t('vault.choose')}>
        <div className="ph-stack tight">
          {ways.map((one) => (
            <Radio key={one} value={one} label={t(`vault.way.${one}`)} description={t(`vault.wayHint.${one}`)} data-testid={`vault-way-${one}`} />
          ))}
        </div>
      </Radio.Group>
      {way === 'passphrase' ? (
        <SecretForm
          label={t('vault.newPassphrase')}
          about={t('vault.newPassphraseHint', { n: LEAST })}
          again={t('vault.again')}
          least={LEAST}
          action={action}
          busy={settle.busy}
          testId="vault-settle"
          onSend={(passphrase) => settle.run({ kind: 'passphrase', passphrase }, onDone)}
        />
      ) : (
        <div className="ph-row">
          <Button variant="filled" disabled={way === null} loading={settle.busy} onClick={() => way && settle.run({ kind: way, passphrase: null }, onDone)} data-testid="vault-settle-send">
            {action}
          </Button>
        </div>
      )}
      {settle.fault && <FaultView fault={settle.fault} compact />}
    </div>
  );
}
