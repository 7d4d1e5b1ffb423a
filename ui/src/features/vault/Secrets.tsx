/** What the vault keeps: whose, which field, since when, until when. Never a value, and no way to one. */
import { Modal } from '@mantine/core';
import { useMemo, useState } from 'react';
import { useT } from '@/shared/i18n/t';
import { byName } from '@/shared/lib/format';
import { fits } from '@/shared/lib/fuzzy';
import { visible } from '@/shared/lib/visible';
import { Chip } from '@/shared/ui/chips';
import { Ago, Confirm, IconButton } from '@/shared/ui/parts';
import { SearchBox } from '@/shared/ui/search';
import { SecretForm } from '@/shared/ui/secret-box';
import { Expiry } from '@/shared/ui/expiry';
import { Failed, FaultView, FilteredEmpty, Loading } from '@/shared/ui/states';
import { tell } from '@/shared/ui/toasts';
import { useRemoveSecret, useSecrets, useSetSecret, type SecretView, type VaultView } from './api';

/** What a person typed can be typed anew; a cluster's credential, a file or a sign-in comes from where it came from. */
const canType = (row: SecretView) => ['server', 'person'].includes(row.ownerKind) && row.kind !== 'file';

export function Secrets({ vault }: { vault: VaultView }) {
  const { t, word } = useT();
  const secrets = useSecrets();
  const [query, setQuery] = useState('');
  const [removing, setRemoving] = useState<SecretView | null>(null);
  const [typing, setTyping] = useState<SecretView | null>(null);
  const rows = useMemo(() => {
    const all = [...(secrets.data ?? [])].sort((a, b) => byName(a.ownerName, b.ownerName) || byName(a.field, b.field));
    return query.trim() === '' ? all : all.filter((row) => fits(query, `${row.ownerName} ${row.ownerKind} ${row.field} ${row.kind}`));
  }, [secrets.data, query]);
  if (secrets.isPending) return <Loading rows={3} />;
  if (!secrets.data) return <Failed fault={secrets.error} onRetry={() => void secrets.refetch()} />;
  if (secrets.data.length === 0)
    return (
      <p className="ph-muted" data-testid="secrets-none">
        {t('vault.noSecrets')}
      </p>
    );
  const open = vault.state === 'unlocked';
  return (
    <section className="ph-stack tight" aria-label={t('vault.secrets', { count: secrets.data.length })}>
      <div className="ph-row ph-spread">
        <h3>{t('vault.secrets', { count: secrets.data.length })}</h3>
        {secrets.data.length > 8 && <SearchBox value={query} onChange={setQuery} label={t('vault.searchSecrets')} testId="secret-search" />}
      </div>
      {rows.length === 0 ? (
        <FilteredEmpty what={t('vault.manySecrets')} onClear={() => setQuery('')} />
      ) : (
        // A region that scrolls must be reachable with the keyboard.
        // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex
        <div className="ph-tablebox" tabIndex={0} role="group" aria-label={t('vault.manySecrets')}>
          <table className="ph-table ph-secrets">
            <thead>
              <tr>
                <th scope="col">{t('vault.owner')}</th>
                <th scope="col">{t('vault.field')}</th>
                <th scope="col">{t('vault.updated')}</th>
                <th scope="col">{t('vault.expires')}</th>
                <th scope="col">{t('vault.used')}</th>
                <th scope="col">
                  <span className="ph-sr">{t('vault.acts')}</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {rows.map((row) => (
                <tr key={row.id} data-testid="secret-row" data-key={row.id}>
                  <th scope="row" title={visible(row.ownerId)}>
                    <div className="ph-cut">{visible(row.ownerName)}</div>
                    <div className="ph-muted">{word('secretOwner', row.ownerKind)}</div>
                  </th>
                  <td>
                    <code className="ph-cut" title={visible(row.field)}>
                      {visible(row.field)}
                    </code>
                    <div className="ph-row ph-muted">
                      {word('secretKind', row.kind)}
                      {!row.present && (
                        <Chip tone="warn" icon="warn">
                          {t('vault.gone')}
                        </Chip>
                      )}
                    </div>
                  </td>
                  <td>
                    <Ago at={row.updatedAt} />
                  </td>
                  <td>{row.expiresAt === null ? <span className="ph-faint">–</span> : <Expiry at={row.expiresAt} />}</td>
                  <td>{row.lastUsed === null ? <span className="ph-faint">{t('vault.never')}</span> : <Ago at={row.lastUsed} />}</td>
                  <td>
                    <span className="ph-row acts">
                      {open && canType(row) && <IconButton icon="edit" size={22} label={t('vault.replaceOf', { field: row.field, owner: row.ownerName })} onClick={() => setTyping(row)} testId="secret-replace" />}
                      <IconButton icon="trash" size={22} label={t('vault.removeOf', { field: row.field, owner: row.ownerName })} onClick={() => setRemoving(row)} testId="secret-remove" />
                    </span>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      <Remove row={removing} onClose={() => setRemoving(null)} />
      <Modal opened={typing !== null} onClose={() => setTyping(null)} size="md" title={typing ? t('vault.replaceOf', { field: visible(typing.field), owner: visible(typing.ownerName) }) : ''} closeButtonProps={{ 'aria-label': t('common.close') }}>
        {typing && <Replace row={typing} onDone={() => setTyping(null)} />}
      </Modal>
    </section>
  );
}

function Remove({ row, onClose }: { row: SecretView | null; onClose: () => void }) {
  const { t } = useT();
  const remove = useRemoveSecret();
  return (
    <Confirm open={row !== null} title={row ? t('vault.removeOf', { field: visible(row.field), owner: visible(row.ownerName) }) : ''} action={t('vault.removeYes')} busy={remove.isPending} onNo={onClose} onYes={() => row && remove.mutate({ id: row.id }, { onSuccess: onClose })}>
      <div className="ph-stack">
        <span>{t('vault.removeHint')}</span>
        {remove.error && <FaultView fault={remove.error} compact />}
      </div>
    </Confirm>
  );
}

function Replace({ row, onDone }: { row: SecretView; onDone: () => void }) {
  const { t } = useT();
  const set = useSetSecret();
  return (
    <div className="ph-stack">
      <SecretForm
        label={t('vault.newValue')}
        about={t('vault.newValueHint')}
        action={t('vault.keep')}
        busy={set.busy}
        focus
        testId="secret-set"
        onSend={(value) =>
          set.run({ ownerKind: row.ownerKind, ownerId: row.ownerId, field: row.field, value }, () => {
            onDone();
            tell(t('vault.replaced'));
          })
        }
      />
      {set.fault && <FaultView fault={set.fault} compact />}
    </div>
  );
}
