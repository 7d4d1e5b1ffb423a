/** What matters of an object at first sight. */
import type { ReactNode } from 'react';
import { useT } from '@/shared/i18n/t';
import { visible } from '@/shared/lib/visible';
import { Chip, type Tone } from '@/shared/ui/chips';
import type { IconName } from '@/shared/ui/icon';
import { Ago, CopyButton, Facts, Ident, Notice, Section } from '@/shared/ui/parts';
import { meaning } from './cells';
import type { Follow } from './ObjectPanel';
import { well, type Condition, type Container, type Owner, type Summary } from './summary';

export function SummaryTab({ summary, name, namespace, masked, view, follow, onOpen }: Follow & { summary: Summary; name: string; namespace: string | null; masked: ReactNode; view: ReactNode }) {
  const { t } = useT();
  const phase = meaning(summary.phase);
  const nodes = follow('v1', 'Node');
  return (
    <div className="ph-stack" data-testid="summary">
      {masked}
      {summary.deleting !== null && (
        <Notice tone="warn">
          {t('explorer.deleting')} <Ago at={summary.deleting} />
        </Notice>
      )}
      <Section title={t('explorer.about1')}>
        <Facts
          rows={[
            summary.phase !== '' && [t('explorer.phase'), <Chip key="p" tone={phase?.tone ?? 'idle'} icon={phase?.icon ?? 'info'}>{visible(summary.phase)}</Chip>],
            [t('explorer.name'), <Ident key="n" id={name} show={visible(name)} />],
            namespace !== null && [t('explorer.namespace'), <code key="ns">{visible(namespace)}</code>],
            [t('explorer.kind'), <span key="k">{visible(summary.kind)} <code className="ph-muted">{visible(summary.apiVersion)}</code></span>],
            summary.created !== null && [t('explorer.created'), <Ago key="c" at={summary.created} />],
            summary.owners.length > 0 && [t('explorer.owner'), <Owners key="o" owners={summary.owners} namespace={namespace} follow={follow} onOpen={onOpen} />],
            summary.node !== '' && [
              t('explorer.node'),
              nodes ? (
                <button key="no" type="button" className="ph-plain ph-link ph-break" onClick={() => onOpen(nodes.name, { name: summary.node })}>
                  {visible(summary.node)}
                </button>
              ) : (
                <code key="no">{visible(summary.node)}</code>
              ),
            ],
            summary.address !== '' && [t('explorer.address'), <code key="a">{visible(summary.address)}</code>],
            summary.account !== '' && [t('explorer.account'), <code key="sa">{visible(summary.account)}</code>],
            summary.uid !== '' && [t('explorer.uid'), <Ident key="u" id={summary.uid} show={visible(summary.uid)} />],
          ]}
        />
      </Section>
      {view}
      {summary.containers.length > 0 && <Containers all={summary.containers} />}
      {summary.conditions.length > 0 && <Conditions all={summary.conditions} />}
      <Pairs title={t('explorer.labels')} all={summary.labels} testId="labels" />
      <Pairs title={t('explorer.annotations')} all={summary.annotations} testId="annotations" />
    </div>
  );
}

function Owners({ owners, namespace, follow, onOpen }: Follow & { owners: readonly Owner[]; namespace: string | null }) {
  return (
    <span className="ph-stack tight">
      {owners.map((owner) => {
        const kind = follow(owner.apiVersion, owner.kind);
        const label = `${visible(owner.kind)}/${visible(owner.name)}`;
        return kind ? (
          <button key={label} type="button" className="ph-plain ph-link ph-break" onClick={() => onOpen(kind.name, { name: owner.name, in: kind.namespaced ? namespace : null })} data-testid="owner">
            {label}
          </button>
        ) : (
          <span key={label} className="ph-break">
            {label}
          </span>
        );
      })}
    </span>
  );
}

const STATES: Record<string, [Tone, IconName]> = { running: ['ok', 'ok'], waiting: ['warn', 'clock'], terminated: ['idle', 'stop'] };

function Containers({ all }: { all: readonly Container[] }) {
  const { t, word } = useT();
  return (
    <Section title={t('explorer.containers')} testId="containers">
      <ul className="ph-lines">
        {all.map((one) => {
          const bad = one.why !== '' && one.state !== 'running' && meaning(one.why.split(' · ')[0]!)?.tone === 'bad';
          const [tone, icon] = bad ? (['bad', 'fail'] as const) : (STATES[one.state ?? ''] ?? ['idle', 'idle']);
          return (
            <li key={`${one.init ? 'i' : 'c'}/${one.name}`} className="ph-stack tight" data-testid="container">
              <span className="ph-row wrap">
                <strong className="ph-break">{visible(one.name)}</strong>
                {one.init && <span className="ph-tag">init</span>}
                {one.state && (
                  <Chip tone={tone} icon={icon}>
                    {word('containerState', one.state)}
                  </Chip>
                )}
                {one.ready === false && one.state === 'running' && (
                  <Chip tone="warn" icon="warn">
                    {t('explorer.notReady')}
                  </Chip>
                )}
                {one.restarts !== null && one.restarts > 0 && <span className="ph-muted ph-num">{t('explorer.restarts', { count: one.restarts })}</span>}
              </span>
              <code className="ph-break ph-muted">{visible(one.image)}</code>
              {one.why !== '' && <span className={`ph-break${bad ? ' ph-tone-bad' : ' ph-muted'}`}>{visible(one.why)}</span>}
            </li>
          );
        })}
      </ul>
    </Section>
  );
}

function Conditions({ all }: { all: readonly Condition[] }) {
  const { t, word } = useT();
  return (
    <Section title={t('explorer.conditions')} testId="conditions">
      <ul className="ph-lines">
        {all.map((one) => {
          const fine = well(one);
          return (
            <li key={one.type} className="ph-stack tight">
              <span className="ph-row wrap">
                <Chip tone={fine === null ? 'idle' : fine ? 'ok' : 'warn'} icon={fine === null ? 'info' : fine ? 'ok' : 'warn'} quiet>
                  {visible(one.type)}
                </Chip>
                <span className="ph-muted">{word('conditionStatus', one.status)}</span>
                {one.reason !== '' && <span className="ph-muted ph-break">{visible(one.reason)}</span>}
                <span className="ph-grow" />
                {one.since !== null && (
                  <span className="ph-faint">
                    <Ago at={one.since} />
                  </span>
                )}
              </span>
              {one.message !== '' && <span className="ph-break ph-muted">{visible(one.message)}</span>}
            </li>
          );
        })}
      </ul>
    </Section>
  );
}

const LONG = 160;

function Pairs({ title, all, testId }: { title: string; all: readonly [string, string][]; testId: string }) {
  const { t } = useT();
  if (all.length === 0) return null;
  return (
    <Section title={title} testId={testId}>
      <dl className="ph-pairs">
        {all.map(([key, value]) => (
          <div key={key}>
            <dt>
              <code className="ph-break">{visible(key)}</code>
            </dt>
            <dd className="ph-row">
              <div className="ph-grow">
                {value.length > LONG ? (
                  <details>
                    <summary className="ph-link">{t('explorer.letters', { count: value.length })}</summary>
                    <code className="ph-break">{visible(value)}</code>
                  </details>
                ) : (
                  <code className="ph-break">{value === '' ? <span className="ph-faint">–</span> : visible(value)}</code>
                )}
              </div>
              <CopyButton text={`${key}=${value}`} />
            </dd>
          </div>
        ))}
      </dl>
    </Section>
  );
}
