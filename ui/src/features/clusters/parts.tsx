/** What the list, the panel and the wizard draw alike. */
import { useT } from '@/shared/i18n/t';
import { visible } from '@/shared/lib/visible';
import { Chip } from '@/shared/ui/chips';
import { Icon } from '@/shared/ui/icon';
import { CodeBlock, Facts, Ident } from '@/shared/ui/parts';
import { isProd, type ExecView, type FindingsView } from './api';

/** A context's or cluster's name; red, with a word for those who see no colour, where people depend on it. */
export function ClusterName({ name, strong = true }: { name: string; strong?: boolean }) {
  const { t } = useT();
  const prod = isProd(name);
  const text = visible(name);
  return (
    <span className={`ph-row${prod ? ' ph-tone-bad' : ''}`}>
      {prod && <span className="ph-prodmark" aria-hidden="true" />}
      {strong ? <strong className="ph-cut">{text}</strong> : <span className="ph-cut">{text}</span>}
      {prod && <span className="ph-sr">{t('clusters.prod')}</span>}
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
