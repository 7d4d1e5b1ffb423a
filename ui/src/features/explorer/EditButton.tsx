/** To the Workbench with this object, or why not. */
import { Button } from '@mantine/core';
import { useT } from '@/shared/i18n/t';
import { go } from '@/shared/lib/route';
import { Icon } from '@/shared/ui/icon';
import type { ClusterDetail, KubeKindView } from './api';

export function EditButton({ cluster, kind, namespace, name }: { cluster: ClusterDetail; kind: KubeKindView; namespace: string | null; name: string }) {
  const { t } = useT();
  const why = cluster.view.readOnly ? t('workbench.editReadOnly') : !kind.patched ? t('workbench.editNoPatch') : null;
  return (
    <span title={why ?? t('workbench.editHint')}>
      <Button
        size="compact-sm"
        leftSection={<Icon name="edit" size={13} />}
        disabled={why !== null}
        onClick={() => go(['workbench'], { cluster: cluster.view.id, api: kind.apiVersion, kind: kind.kind, ns: namespace, name })}
        data-testid="object-edit"
      >
        {t('workbench.editObject')}
      </Button>
      {why !== null && <span className="ph-sr">{why}</span>}
    </span>
  );
}
