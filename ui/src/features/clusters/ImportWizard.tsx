/** From a kubeconfig to clusters, in three steps: choose, look, done. **Invariant:** until the second step is agreed to, nothing but the
 * kubeconfig itself is read, nothing is run, nothing is connected; pasted text is in no state. */
import { useState } from 'react';
import { useT } from '@/shared/i18n/t';
import { go } from '@/shared/lib/route';
import { IconButton, PageHead } from '@/shared/ui/parts';
import { ChooseStep } from './ChooseStep';
import { DoneStep } from './DoneStep';
import { ReviewStep } from './ReviewStep';
import type { ClusterImportRes, ReviewView } from './api';

const STEPS = ['choose', 'review', 'done'] as const;

export function ImportWizard() {
  const { t } = useT();
  const [review, setReview] = useState<ReviewView | null>(null);
  const [done, setDone] = useState<ClusterImportRes | null>(null);
  const at = done ? 2 : review ? 1 : 0;
  return (
    <>
      <PageHead
        title={t('wizard.title')}
        chips={
          <ol className="ph-steps" aria-label={t('wizard.steps')}>
            {STEPS.map((step, index) => (
              <li key={step} className={index === at ? 'on' : index < at ? 'past' : undefined} aria-current={index === at ? 'step' : undefined}>
                <span className="ph-num">{index + 1}</span>
                {t(`wizard.${step}`)}
              </li>
            ))}
          </ol>
        }
      >
        <IconButton icon="close" label={t('wizard.close')} onClick={() => go(['clusters'])} testId="wizard-close" />
      </PageHead>
      {done ? <DoneStep done={done} /> : review ? <ReviewStep review={review} onBack={() => setReview(null)} onDone={setDone} /> : <ChooseStep onReview={setReview} />}
    </>
  );
}
