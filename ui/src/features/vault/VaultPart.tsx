/** The vault in Settings: where it stands, what can be done about it, and what it keeps. Never a value. */
import { Button, Checkbox, Modal, Select } from '@mantine/core';
import { useState, type ReactNode } from 'react';
import { usePrefs } from '@/ipc/prefs';
import { useT } from '@/shared/i18n/t';
import { duration } from '@/shared/lib/format';
import { Chip, type Tone } from '@/shared/ui/chips';
import { Icon, type IconName } from '@/shared/ui/icon';
import { Notice } from '@/shared/ui/parts';
import { SecretForm } from '@/shared/ui/secret-box';
import { Failed, FaultView, Loading } from '@/shared/ui/states';
import { tell, tellFault } from '@/shared/ui/toasts';
import { useLock, useRotate, useVault, type VaultView } from './api';
import { Choose, LEAST, type Way } from './Choose';
import { ExportKit, RestoreKit } from './Kit';
import { Secrets } from './Secrets';
import { Unlock } from './Unlock';
import { Wipe } from './Wipe';

const LOOKS: Record<string, [Tone, IconName]> = {
  unlocked: ['ok', 'ok'],
  session: ['warn', 'clock'],
  locked: ['ask', 'lock'],
  absent: ['ask', 'person'],
  key_missing: ['bad', 'fail'],
  corrupt: ['bad', 'warn'],
};

/** What the state is called: a session's vault is open, and ends. */
export const called = (vault: VaultView): string => (vault.state === 'unlocked' && vault.kind === 'session' ? 'session' : vault.state);

export function VaultChip({ vault, quiet }: { vault: VaultView; quiet?: boolean }) {
  const { word } = useT();
  const [tone, icon] = LOOKS[called(vault)] ?? ['idle', 'info'];
  return (
    <Chip tone={tone} icon={icon} quiet={quiet}>
      {word('vaultState', called(vault))}
    </Chip>
  );
}

export function VaultPart() {
  const vault = useVault();
  if (vault.isPending) return <Loading rows={3} />;
  if (!vault.data) return <Failed fault={vault.error} onRetry={() => void vault.refetch()} />;
  return (
    <div className="ph-stack" data-testid="vault" data-state={called(vault.data)}>
      <div className="ph-row wrap">
        <VaultChip vault={vault.data} />
        <About vault={vault.data} />
      </div>
      <Ways key={vault.data.state} vault={vault.data} />
      {vault.data.state !== 'absent' && <Secrets vault={vault.data} />}
    </div>
  );
}

function About({ vault }: { vault: VaultView }) {
  const { t } = useT();
  switch (vault.state) {
    case 'absent':
      return <span className="ph-muted">{t('vault.absentHint')}</span>;
    case 'key_missing':
      return <span className="ph-muted">{t('vault.missingHint')}</span>;
    case 'corrupt':
      return <span className="ph-muted">{t('vault.corruptHint')}</span>;
    default:
      return <span className="ph-muted">{t(`vault.kept.${(vault.kind ?? 'keyring') as Way}`)}</span>;
  }
}

function Ways({ vault }: { vault: VaultView }) {
  const { t } = useT();
  const [wiping, setWiping] = useState(false);
  const wipe = (
    <Button color="red" variant="light" onClick={() => setWiping(true)} data-testid="vault-wipe">
      {t('vault.wipeAsk')}
    </Button>
  );
  return (
    <>
      {vault.state === 'unlocked' && <Open vault={vault} wipe={wipe} />}
      {vault.state === 'locked' && (
        <div className="ph-stack">
          <p>{t('vault.lockedHint')}</p>
          <Unlock kind={vault.kind} />
          <div className="ph-row">{wipe}</div>
        </div>
      )}
      {vault.state === 'absent' && (
        <div className="ph-stack">
          <Choose ways={['passphrase', 'session']} action={t('vault.settle')} />
          <p className="ph-muted">{t('vault.lateHint')}</p>
          <Unlock kind="keyring" label={t('vault.lookAgain')} />
        </div>
      )}
      {(vault.state === 'key_missing' || vault.state === 'corrupt') && (
        <div className="ph-stack">
          <Notice tone="bad" title={vault.state === 'key_missing' ? t('vault.missing', { count: vault.unreadable }) : t('vault.corrupt')}>
            {vault.state === 'key_missing' ? t('vault.missingWays') : t('vault.corruptWays')}
          </Notice>
          <section aria-label={t('vault.kit')} className="ph-stack tight">
            <h3>{t('vault.kit')}</h3>
            <p className="ph-muted">{t('vault.restoreHint')}</p>
            <RestoreKit />
          </section>
          <section aria-label={t('vault.anew')} className="ph-stack tight">
            <h3>{t('vault.anew')}</h3>
            <p className="ph-muted">{t('vault.anewHint')}</p>
            <div className="ph-row">{wipe}</div>
          </section>
        </div>
      )}
      <Wipe open={wiping} onClose={() => setWiping(false)} />
    </>
  );
}

type Doing = 'key' | 'kit' | 'move' | null;

function Open({ vault, wipe }: { vault: VaultView; wipe: ReactNode }) {
  const { t } = useT();
  const lock = useLock();
  const [doing, setDoing] = useState<Doing>(null);
  const close = () => setDoing(null);
  const session = vault.kind === 'session';
  const others = (['keyring', 'passphrase', 'session'] as const).filter((way) => way !== vault.kind);
  return (
    <>
      {session && <Notice tone="warn" title={t('vault.session')}>{t('vault.sessionHint')}</Notice>}
      <div className="ph-row wrap">
        {!session && (
          <>
            <Button leftSection={<Icon name="lock" size={14} />} loading={lock.isPending} onClick={() => lock.mutate({}, { onError: tellFault })} data-testid="vault-lock">
              {t('vault.lock')}
            </Button>
            <Button leftSection={<Icon name="refresh" size={14} />} onClick={() => setDoing('key')} data-testid="vault-rotate">
              {vault.kind === 'passphrase' ? t('vault.changePassphrase') : t('vault.rotate')}
            </Button>
            <Button leftSection={<Icon name="download" size={14} />} onClick={() => setDoing('kit')} data-testid="vault-export">
              {t('vault.export')}
            </Button>
          </>
        )}
        <Button leftSection={<Icon name="edit" size={14} />} onClick={() => setDoing('move')} data-testid="vault-move">
          {t('vault.move')}
        </Button>
        {wipe}
      </div>
      {!session && <Idle />}
      <Modal opened={doing !== null} onClose={close} size="lg" title={doing === 'kit' ? t('vault.export') : doing === 'move' ? t('vault.move') : vault.kind === 'passphrase' ? t('vault.changePassphrase') : t('vault.rotate')} closeButtonProps={{ 'aria-label': t('common.close') }}>
        {doing === 'key' && <Rotate vault={vault} onDone={close} />}
        {doing === 'kit' && (
          <ExportKit
            onDone={(path) => {
              close();
              tell(t('vault.kitSaved', { path }));
            }}
          />
        )}
        {doing === 'move' && (
          <div className="ph-stack">
            <p className="ph-muted">{t('vault.moveHint')}</p>
            <Choose ways={others} action={t('vault.moveYes')} onDone={close} />
          </div>
        )}
      </Modal>
    </>
  );
}

/** After how long without use it locks itself. */
const IDLE = [5, 15, 60, 240, 720];

function Idle() {
  const { t } = useT();
  const { value, set } = usePrefs();
  const kept = value('vault_idle_minutes');
  const minutes = typeof kept === 'number' ? kept : 15;
  return (
    <div className="ph-settingline">
      <div className="ph-grow">
        <div>{t('vault.idle')}</div>
        <div className="ph-muted">{t('vault.idleHint')}</div>
      </div>
      <Select
        aria-label={t('vault.idle')}
        value={String(minutes)}
        data={[...new Set([...IDLE, minutes])].sort((a, b) => a - b).map((one) => ({ value: String(one), label: duration(one * 60_000) }))}
        allowDeselect={false}
        onChange={(next) => next && set('vault_idle_minutes', Number(next))}
        className="ph-filter"
        data-testid="vault-idle"
      />
    </div>
  );
}

function Rotate({ vault, onDone }: { vault: VaultView; onDone: () => void }) {
  const { t } = useT();
  const rotate = useRotate();
  const [deep, setDeep] = useState(false);
  const done = () => {
    onDone();
    tell(t('vault.rotated'));
  };
  const tick = <Checkbox checked={deep} onChange={(event) => setDeep(event.currentTarget.checked)} label={t('vault.deep')} description={t('vault.deepHint')} data-testid="vault-deep" />;
  return (
    <div className="ph-stack">
      <p className="ph-muted">{t('vault.rotateHint')}</p>
      {vault.kind === 'passphrase' ? (
        <SecretForm label={t('vault.newPassphrase')} about={t('vault.newPassphraseHint', { n: LEAST })} again={t('vault.again')} least={LEAST} action={t('vault.rotateYes')} busy={rotate.busy} focus testId="vault-rotate-form" onSend={(passphrase) => rotate.run({ deep, passphrase }, done)}>
          {tick}
        </SecretForm>
      ) : (
        <>
          {tick}
          <div className="ph-row">
            <Button variant="filled" loading={rotate.busy} onClick={() => rotate.run({ deep, passphrase: null }, done)} data-testid="vault-rotate-yes">
              {t('vault.rotateYes')}
            </Button>
          </div>
        </>
      )}
      {rotate.fault && <FaultView fault={rotate.fault} compact />}
    </div>
  );
}
