/** Destroys the key and every secret. The word is typed, because nothing brings them back. */
import { Button, Modal, TextInput } from '@mantine/core';
import { useState } from 'react';
import { useT } from '@/shared/i18n/t';
import { sentence } from '@/shared/lib/format';
import { Notice } from '@/shared/ui/parts';
import { FaultView } from '@/shared/ui/states';
import { useWipe } from './api';

export function Wipe({ open, onClose }: { open: boolean; onClose: () => void }) {
  const { t } = useT();
  return (
    <Modal opened={open} onClose={onClose} title={t('vault.wipeTitle')} size="lg" closeButtonProps={{ 'aria-label': t('common.close') }}>
      {open && <Body onClose={onClose} />}
    </Modal>
  );
}

function Body({ onClose }: { onClose: () => void }) {
  const { t, say } = useT();
  const [typed, setTyped] = useState('');
  const wipe = useWipe();
  const word = t('vault.wipeWord');
  if (wipe.data)
    return (
      <div className="ph-stack" data-testid="vault-wiped">
        <Notice tone="ok" title={t('vault.wiped')}>
          <ul className="ph-bullets">
            {wipe.data.notes.map((note) => (
              <li key={note.en}>{sentence(say(note))}</li>
            ))}
          </ul>
        </Notice>
        <div className="ph-row ph-modalfoot">
          <Button onClick={onClose} data-autofocus>
            {t('common.close')}
          </Button>
        </div>
      </div>
    );
  return (
    <form
      className="ph-stack"
      data-testid="vault-wipe-form"
      onSubmit={(event) => {
        event.preventDefault();
        if (typed.trim() === word) wipe.mutate({});
      }}
    >
      <p>{t('vault.wipeHint')}</p>
      <TextInput label={t('vault.wipeType', { word })} value={typed} onChange={(event) => setTyped(event.currentTarget.value)} autoComplete="off" spellCheck={false} className="ph-narrow" data-testid="vault-wipe-word" data-autofocus />
      {wipe.error && <FaultView fault={wipe.error} compact />}
      <div className="ph-row ph-modalfoot">
        <Button onClick={onClose}>{t('common.keep')}</Button>
        <Button type="submit" variant="filled" color="red" disabled={typed.trim() !== word} loading={wipe.isPending} data-testid="vault-wipe-yes">
          {t('vault.wipe')}
        </Button>
      </div>
    </form>
  );
}
