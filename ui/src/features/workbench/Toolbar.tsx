/** Where a text comes from and goes to: templates, files; its shape; what it is judged by. */
import { Button, Menu, Select } from '@mantine/core';
import { useState } from 'react';
import { usePrefs } from '@/ipc/prefs';
import { useT } from '@/shared/i18n/t';
import { visible } from '@/shared/lib/visible';
import { Icon } from '@/shared/ui/icon';
import { FaultView } from '@/shared/ui/states';
import { useTemplates, useVersions } from './api';
import { useBench } from './use-bench';

export function TemplateMenu({ primary }: { primary?: boolean }) {
  const { t, say } = useT();
  const [, bench] = useBench();
  const [open, setOpen] = useState(false);
  const templates = useTemplates(open);
  return (
    <Menu opened={open} onChange={setOpen} position="bottom-start" width={380}>
      <Menu.Target>
        <Button variant={primary ? 'filled' : 'default'} leftSection={<Icon name="template" size={14} />} data-testid={primary ? 'empty-template' : 'bench-new'}>
          {primary ? t('workbench.fromTemplate') : t('workbench.new')}
        </Button>
      </Menu.Target>
      <Menu.Dropdown className="ph-templates">
        {!primary && (
          <Menu.Item onClick={() => void bench.begin('')} leftSection={<Icon name="file" size={14} />} data-testid="bench-blank">
            {t('workbench.blank')}
          </Menu.Item>
        )}
        {templates.error && <FaultView fault={templates.error} compact mild onRetry={() => void templates.refetch()} />}
        {!templates.data && !templates.error && <Menu.Label>{t('common.loading')}</Menu.Label>}
        {(templates.data ?? []).map((one) => (
          <Menu.Item key={one.id} onClick={() => void bench.begin(one.text)} data-testid="bench-template" data-key={one.id}>
            <strong>{visible(say(one.title))}</strong>
            <div className="ph-muted ph-clamp">{visible(say(one.about))}</div>
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}

export function Toolbar() {
  const { t } = useT();
  const [state, bench] = useBench();
  const { boot } = usePrefs();
  const versions = useVersions();
  const mod = boot.platform === 'macos' ? '⌘' : 'Ctrl';
  const { doc, file, target } = state;
  const dirty = file !== null && file.rev !== doc.rev;
  return (
    <div className="ph-bar ph-benchtools" role="toolbar" aria-label={t('workbench.tools')}>
      <TemplateMenu />
      <Button onClick={() => void bench.openFile()} title={`${mod} O`} leftSection={<Icon name="folder" size={14} />} data-testid="bench-open">
        {t('workbench.open')}
      </Button>
      <Button onClick={() => void bench.saveFile()} disabled={doc.length === 0} title={`${mod} S`} leftSection={<Icon name="download" size={14} />} data-testid="bench-save">
        {t('workbench.save')}
      </Button>
      <Button onClick={() => void bench.format()} disabled={doc.length === 0} leftSection={<Icon name="list" size={14} />} data-testid="bench-format">
        {t('workbench.format')}
      </Button>
      {file && (
        <span className="ph-row ph-cut" title={visible(file.path)} data-testid="bench-file" data-state={dirty ? 'changed' : 'saved'}>
          <Icon name="file" size={13} />
          <span className="ph-cut">{visible(file.path.split(/[\\/]/).at(-1) ?? file.path)}</span>
          {dirty && (
            <span className="ph-tone-warn" title={t('workbench.fileChanged')}>
              ● <span className="ph-sr">{t('workbench.fileChanged')}</span>
            </span>
          )}
        </span>
      )}
      <span className="ph-grow" />
      {target.cluster === null && (
        <Select
          className="ph-benchversion"
          aria-label={t('workbench.version')}
          title={t('workbench.versionHint')}
          data={[{ value: '', label: versions.data ? t('workbench.newest', { version: versions.data.newest }) : t('workbench.newestPlain') }, ...(versions.data?.versions ?? []).map((one) => ({ value: one, label: `Kubernetes ${one}` }))]}
          value={target.version ?? ''}
          onChange={(next) => bench.aim({ version: next ? next : null })}
          allowDeselect={false}
          data-testid="bench-version"
        />
      )}
      <Select
        className="ph-benchlevel"
        aria-label={t('workbench.level')}
        title={t('workbench.levelHint')}
        data={[
          { value: '', label: t('workbench.levelNone') },
          { value: 'baseline', label: 'Baseline' },
          { value: 'restricted', label: 'Restricted' },
        ]}
        value={target.level ?? ''}
        onChange={(next) => bench.aim({ level: next ? next : null })}
        allowDeselect={false}
        data-testid="bench-level"
      />
    </div>
  );
}
