/** The recovery kit: a file that stands in for the key, under a passphrase of its own. Written once, never over anything. */
import { useT } from '@/shared/i18n/t';
import { SecretForm } from '@/shared/ui/secret-box';
import { FaultView } from '@/shared/ui/states';
import { useExportKit, useRestoreKit } from './api';
import { LEAST } from './Choose';

export function ExportKit({ onDone }: { onDone: (path: string) => void }) {
  const { t } = useT();
  const kit = useExportKit();
  return (
    <div className="ph-stack">
      <p className="ph-muted">{t('vault.kitHint')}</p>
      <SecretForm label={t('vault.kitPassphrase')} about={t('vault.newPassphraseHint', { n: LEAST })} again={t('vault.again')} least={LEAST} action={t('vault.kitSave')} icon="download" busy={kit.busy} focus testId="vault-kit" onSend={(passphrase) => kit.run({ passphrase }, (done) => done.path && onDone(done.path))} />
      {kit.fault && <FaultView fault={kit.fault} compact />}
    </div>
  );
}

export function RestoreKit() {
  const { t } = useT();
  const kit = useRestoreKit();
  return (
    <div className="ph-stack tight">
      <SecretForm label={t('vault.kitPassphrase')} action={t('vault.kitOpen')} icon="upload" busy={kit.busy} testId="vault-restore" onSend={(passphrase) => kit.run({ passphrase })} />
      {kit.fault && <FaultView fault={kit.fault} compact />}
    </div>
  );
}
