/** The documents of a text; a click goes there. */
import { useMemo } from 'react';
import { useT } from '@/shared/i18n/t';
import { visible } from '@/shared/lib/visible';
import { Icon } from '@/shared/ui/icon';
import { useBench } from './use-bench';

/** More than this is found with the editor's own search. */
const MOST = 200;

export function Outline() {
  const { t } = useT();
  const [state, bench] = useBench();
  const view = state.check?.view;
  const bad = useMemo(() => new Set((view?.problems ?? []).filter((one) => one.severity === 'error').map((one) => one.document)), [view]);
  const outline = view?.outline ?? [];
  if (outline.length < 2) return null;
  return (
    <nav className="ph-outline" aria-label={t('workbench.outline')} data-testid="outline">
      {outline.slice(0, MOST).map((part) => (
        <button key={`${part.document}:${part.line}`} type="button" className="ph-plain" onClick={() => bench.editor.current?.goTo(part.line)} title={t('workbench.goToLine', { line: part.line })} data-testid="outline-part">
          {bad.has(part.document) && <Icon name="fail" size={12} className="ph-tone-bad" />}
          <span className="ph-faint">{visible(part.kind || t('workbench.noKind'))}</span>
          <span className="ph-cut">{visible(part.name ?? '–')}</span>
          {bad.has(part.document) && <span className="ph-sr">{t('workbench.hasErrors')}</span>}
        </button>
      ))}
      {outline.length > MOST && <span className="ph-muted">{t('workbench.outlineMore', { count: outline.length - MOST })}</span>}
    </nav>
  );
}
