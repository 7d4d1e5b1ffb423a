/** The first steps, done in place; goes away when told to. */
import { usePrefs } from '@/ipc/prefs';
import { useT } from '@/shared/i18n/t';
import { go } from '@/shared/lib/route';
import { Icon } from '@/shared/ui/icon';
import { IconButton } from '@/shared/ui/parts';
import { useActivityCount, useClusterCount, type ServerView } from './api';

export function Checklist({ servers }: { servers: readonly ServerView[] }) {
  const { t } = useT();
  const { value, set } = usePrefs();
  const activity = useActivityCount();
  const clusters = useClusterCount();
  if (value('checklist') === 'dismissed') return null;
  const called = servers.some((row) => row.calls > 0) || (activity.data?.some((row) => row.kind === 'call') ?? false);
  const added = servers.some((row) => row.origin !== 'built-in');
  const looked = value('lookedAtActivity') === true;
  const first = servers.find((row) => row.state === 'connected' && row.tools > 0);
  const steps = [
    { key: 'call', done: called, title: t('first.call'), about: t('first.callHint'), act: () => go(['tools'], first ? { server: first.id } : undefined) },
    { key: 'add', done: added, title: t('first.add'), about: t('first.addHint'), act: () => go(['servers', 'add']) },
    { key: 'cluster', done: (clusters.data?.clusters.length ?? 0) > 0, title: t('first.cluster'), about: t('first.clusterHint'), act: () => go(['clusters', 'import']) },
    { key: 'activity', done: looked, title: t('first.activity'), about: t('first.activityHint'), act: () => go(['activity']) },
  ];
  return (
    <section className="ph-checklist" aria-label={t('first.title')} data-testid="checklist">
      <div className="ph-row ph-spread">
        <h2>{t('first.title')}</h2>
        <IconButton icon="close" label={t('first.dismiss')} onClick={() => set('checklist', 'dismissed')} testId="checklist-dismiss" size={22} />
      </div>
      <ol>
        {steps.map((step) => (
          <li key={step.key}>
            <button type="button" className={`ph-plain${step.done ? ' done' : ''}`} onClick={step.act} data-testid={`checklist-${step.key}`}>
              <span className="mark">{step.done ? <Icon name="ok" /> : <Icon name="idle" />}</span>
              <span className="ph-grow">
                <strong>{step.title}</strong>
                <span className="ph-muted">{step.done ? t('first.done') : step.about}</span>
              </span>
              <Icon name="chevronRight" size={13} />
            </button>
          </li>
        ))}
      </ol>
    </section>
  );
}
