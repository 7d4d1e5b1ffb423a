/** What the list, the panel and the wizard draw alike. */
import { useT } from '@/shared/i18n/t';
import { visible } from '@/shared/lib/visible';
import { Chip, type Tone } from '@/shared/ui/chips';
import { Icon, type IconName } from '@/shared/ui/icon';
import { Ago, CodeBlock, Facts, Ident } from '@/shared/ui/parts';
import type { ClusterView, ExecView, FindingsView, ReachView } from './api';

export { ClusterName, ColourMark } from '@/shared/ui/cluster-name';

const STATES: Record<string, [Tone, IconName]> = { unknown: ['idle', 'idle'], checking: ['run', 'busy'], reachable: ['ok', 'ok'], failed: ['bad', 'fail'], refused: ['bad', 'fail'], locked: ['ask', 'lock'] };

const REFUSALS = new Set(['cluster_auth', 'cluster_forbidden']);

/** Whether a cluster answers: colour, icon and word. One that answered with a no was reached. */
export function ReachChip({ reach, quiet }: { reach: ReachView; quiet?: boolean }) {
  const { word } = useT();
  const value = reach.state === 'failed' && reach.fault !== null && REFUSALS.has(reach.fault.code) ? 'refused' : reach.state;
  const [tone, icon] = STATES[value] ?? ['idle', 'info'];
  return (
    <Chip tone={tone} icon={icon} quiet={quiet}>
      {word('clusterState', value)}
    </Chip>
  );
}

/** Who used a cluster last, and when. */
export function LastUse({ row }: { row: Pick<ClusterView, 'lastUsed' | 'lastUsedBy' | 'lastUsedProgram'> }) {
  const { t } = useT();
  if (row.lastUsed === null) return <span className="ph-faint">{t('clusters.neverUsed')}</span>;
  return (
    <span className="ph-row" title={row.lastUsedProgram ?? undefined} data-testid="cluster-last-used">
      {row.lastUsedBy !== null && <span className="ph-cut">{t('clusters.by', { who: visible(row.lastUsedBy) })}</span>}
      <Ago at={row.lastUsed} />
    </span>
  );
}

/** A server's address; plain http is said, not only coloured. */
export function Address({ server }: { server: string }) {
  const { t } = useT();
  const plain = server.toLowerCase().startsWith('http://');
  return (
    <span className="ph-row wrap">
      <code className={`ph-break${plain ? ' ph-tone-bad' : ''}`}>{visible(server)}</code>
      {plain && (
        <Chip tone="bad" icon="warn">
          {t('clusters.plain')}
        </Chip>
      )}
    </span>
  );
}

/** SHA-256 of certificates, as people compare them: in groups. */
export function Fingerprints({ all }: { all: readonly string[] }) {
  return (
    <ul>
      {all.map((hex) => (
        <li key={hex}>
          <Ident id={hex} show={(hex.match(/.{1,8}/g) ?? [hex]).join(' ')} />
        </li>
      ))}
    </ul>
  );
}

/** Exactly what would run. */
export function Program({ exec }: { exec: ExecView }) {
  const { t } = useT();
  return (
    <div className="ph-stack tight">
      <CodeBlock text={exec.argv.map((word) => visible(quoted(word))).join(' ')} label={t('clusters.program')} wrap />
      <Facts
        rows={[
          exec.envNames.length > 0 && [
            t('clusters.variables'),
            <span key="v" className="ph-row wrap">
              {exec.envNames.map((name) => (
                <code key={name} className="ph-tag">
                  {visible(name)}
                </code>
              ))}
            </span>,
          ],
          exec.folder !== null && [t('clusters.folder'), <code key="f" className="ph-break">{visible(exec.folder)}</code>],
        ]}
      />
    </div>
  );
}

/** A word of a command line as a shell would need it, so that where one ends is seen. */
const quoted = (word: string): string => (word !== '' && /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replace(/'/g, `'\\''`)}'`);

/** What a verification found, with file and line. */
export function Findings({ found }: { found: FindingsView }) {
  const { t, word } = useT();
  if (found.ok)
    return (
      <div className="ph-notice ok" role="status" data-testid="verify-ok">
        <Icon name="ok" />
        <div className="ph-grow">{t('clusters.verifyOk')}</div>
      </div>
    );
  return (
    <div className="ph-stack tight" data-testid="verify-findings">
      <div className="ph-notice bad" role="alert">
        <Icon name="fail" />
        <div className="ph-grow">
          <strong>{t('clusters.verifyBad', { count: found.findings.length })}</strong>
          <div>{t('clusters.verifyBadHint')}</div>
        </div>
      </div>
      <table className="ph-table compact">
        <thead>
          <tr>
            <th scope="col">{t('clusters.place')}</th>
            <th scope="col">{t('clusters.what')}</th>
          </tr>
        </thead>
        <tbody>
          {found.findings.map((one) => (
            <tr key={`${one.file}:${one.line}:${one.kind}`} data-testid="finding">
              <th scope="row">
                <code className="ph-break">
                  {visible(one.file)}:{one.line}
                </code>
              </th>
              <td>{word('finding', one.kind)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
