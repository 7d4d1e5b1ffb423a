/** Servers as text for another program; secrets stay references. */
import { Button, Modal, SegmentedControl } from '@mantine/core';
import { useEffect, useState } from 'react';
import { useT } from '@/shared/i18n/t';
import { CodeBlock, CopyButton } from '@/shared/ui/parts';
import { FaultView, Loading } from '@/shared/ui/states';
import { useExport } from './api';

export function ExportDialog({ open, ids, onClose }: { open: boolean; ids: string[]; onClose: () => void }) {
  const { t } = useT();
  return (
    <Modal opened={open} onClose={onClose} size={720} title={t('export.title')} closeButtonProps={{ 'aria-label': t('common.close') }}>
      {open && <Body ids={ids} onClose={onClose} />}
    </Modal>
  );
}

function Body({ ids, onClose }: { ids: string[]; onClose: () => void }) {
  const { t } = useT();
  const [format, setFormat] = useState('mcp_config');
  const { mutate, data, error, isPending } = useExport();
  const key = ids.join('\n');
  useEffect(() => mutate({ format, ids: key === '' ? [] : key.split('\n') }), [mutate, format, key]);
  return (
    <div className="ph-stack">
      <SegmentedControl
        value={format}
        onChange={setFormat}
        aria-label={t('export.format')}
        data={[
          { value: 'mcp_config', label: 'mcp_config.json' },
          { value: 'mcp_servers', label: 'mcpServers' },
        ]}
      />
      <p className="ph-muted">{format === 'mcp_config' ? t('export.aboutConfig') : t('export.aboutServers')}</p>
      {error ? <FaultView fault={error} onRetry={() => mutate({ format, ids })} /> : isPending || !data ? <Loading rows={6} /> : <CodeBlock text={data.text} label={t('export.title')} maxHeight={360} />}
      <div className="ph-row ph-modalfoot">
        <Button onClick={onClose}>{t('common.close')}</Button>
        {data && <CopyButton text={data.text} words label={t('export.copy')} />}
      </div>
    </div>
  );
}
