/** What happened to what is kept, over every page until the person has read it: what was lost, where the old file lies, what to do. */
import { useState } from 'react';
import { usePrefs } from '@/ipc/prefs';
import { useT } from '@/shared/i18n/t';
import { CopyButton, IconButton, Notice } from '@/shared/ui/parts';

export function StoreNotice() {
  const { t, say } = useT();
  const { notice } = usePrefs().boot;
  const [read, setRead] = useState(false);
  if (!notice || read) return null;
  return (
    <div className="ph-storenotice">
      <Notice
        tone="bad"
        title={t('notice.store')}
        testId="store-notice"
        actions={
          <>
            <CopyButton text={`${say(notice.message)} ${say(notice.hint)}`} label={t('notice.copy')} />
            <IconButton icon="close" label={t('notice.dismiss')} onClick={() => setRead(true)} testId="store-notice-dismiss" />
          </>
        }
      >
        <p>{say(notice.message)}</p>
        <p>{say(notice.hint)}</p>
      </Notice>
    </div>
  );
}
