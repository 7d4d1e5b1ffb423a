/** What differs between two texts, line by line. */
import { useMemo } from 'react';
import { useT } from '../i18n/t';
import { diffLines, fold } from '../lib/diff';
import { visible } from '../lib/visible';

export function DiffView({ before, after, label, beforeName, afterName }: { before: string; after: string; label: string; beforeName: string; afterName: string }) {
  const { t } = useT();
  const lines = useMemo(() => fold(diffLines(before, after)), [before, after]);
  const gone = lines.filter((line) => line.kind === 'gone').length;
  const fresh = lines.filter((line) => line.kind === 'new').length;
  return (
    <div className="ph-diff" data-testid="diff">
      <div className="ph-row ph-diffhead">
        <span className="gone">− {beforeName}</span>
        <span className="new">+ {afterName}</span>
        <span className="ph-muted">{gone + fresh === 0 ? t('diff.same') : t('diff.count', { gone, fresh })}</span>
      </div>
      {/* eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex */}
      <div className="ph-difflines" tabIndex={0} role="group" aria-label={label}>
        {lines.map((line, index) => (
          <div key={index} className={line.kind}>
            <span className="no">{line.before ?? ''}</span>
            <span className="no">{line.after ?? ''}</span>
            <span className="sign" aria-hidden="true">
              {line.kind === 'gone' ? '−' : line.kind === 'new' ? '+' : ''}
            </span>
            <span className="text">
              {line.kind === 'skip' ? t('diff.skipped', { count: Number(line.text) }) : visible(line.text) || ' '}
              {line.kind === 'gone' && <span className="ph-sr"> {t('diff.removed')}</span>}
              {line.kind === 'new' && <span className="ph-sr"> {t('diff.added')}</span>}
            </span>
          </div>
        ))}
      </div>
    </div>
  );
}
