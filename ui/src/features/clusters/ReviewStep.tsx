/** Exactly what each context says, before anything of it is used. Programs have a tick of their own. */
import { Button, Checkbox } from '@mantine/core';
import { useState } from 'react';
import { useT } from '@/shared/i18n/t';
import { sentence } from '@/shared/lib/format';
import { visible } from '@/shared/lib/visible';
import { Chip } from '@/shared/ui/chips';
import { Icon } from '@/shared/ui/icon';
import { Facts, Notice } from '@/shared/ui/parts';
import { FaultView } from '@/shared/ui/states';
import { isProd, useImport, type ClusterImportRes, type ContextView, type ReviewView } from './api';
import { Address, ClusterName, Fingerprints, Program } from './parts';

type Props = { review: ReviewView; onBack: () => void; onDone: (done: ClusterImportRes) => void };

export function ReviewStep({ review, onBack, onDone }: Props) {
  const { t, say } = useT();
  const send = useImport();
  const [take, setTake] = useState<ReadonlySet<string>>(() => new Set(review.contexts.filter((one) => !one.known && !one.refused).map((one) => one.context)));
  const [trust, setTrust] = useState<ReadonlySet<string>>(new Set());
  const [follow, setFollow] = useState<ReadonlySet<string>>(new Set());
  const [sign, setSign] = useState<ReadonlySet<string>>(new Set());
  const [rewrite, setRewrite] = useState(false);
  const flip = (set: ReadonlySet<string>, name: string, put: (next: ReadonlySet<string>) => void) => {
    const next = new Set(set);
    if (!next.delete(name)) next.add(name);
    put(next);
  };
  const able = review.contexts.filter((one) => !one.refused);
  const refused = review.contexts.filter((one) => one.refused);
  const chosen = able.filter((one) => take.has(one.context));
  const fromFile = chosen.some((one) => one.file !== '');
  return (
    <div className="ph-editor" data-testid="wizard-table">
      <div className="ph-scroll ph-pad">
        <div className="ph-stack ph-wizard">
          <Notice tone="idle" icon="shield">
            {t('wizard.nothingYet')}
          </Notice>
          {able.length > 1 && (
            <Checkbox
              label={t('wizard.takeAll', { count: able.length })}
              checked={chosen.length === able.length}
              indeterminate={chosen.length > 0 && chosen.length < able.length}
              onChange={() => setTake(new Set(chosen.length === able.length ? [] : able.map((one) => one.context)))}
              data-testid="wizard-all"
            />
          )}
          <ul className="ph-contexts">
            {able.map((one) => (
              <Context
                key={one.context}
                context={one}
                current={review.current === one.context}
                taken={take.has(one.context)}
                trusted={trust.has(one.context)}
                followed={follow.has(one.context)}
                signed={sign.has(one.context)}
                onTake={() => flip(take, one.context, setTake)}
                onTrust={() => flip(trust, one.context, setTrust)}
                onFollow={() => flip(follow, one.context, setFollow)}
                onSign={() => flip(sign, one.context, setSign)}
              />
            ))}
          </ul>
          {refused.length > 0 && (
            <section className="ph-stack tight" aria-label={t('wizard.refused', { count: refused.length })}>
              <h2>{t('wizard.refused', { count: refused.length })}</h2>
              <ul className="ph-contexts">
                {refused.map((one) => (
                  <li key={one.context} data-testid="wizard-refused">
                    <div className="ph-row">
                      <Icon name="fail" className="ph-tone-bad" />
                      <strong className="ph-cut">{visible(one.context)}</strong>
                    </div>
                    {one.server && <Address server={one.server} />}
                    <div className="ph-break">{one.refused && sentence(say(one.refused))}</div>
                  </li>
                ))}
              </ul>
            </section>
          )}
          {fromFile && (
            <div className="ph-card">
              <Checkbox checked={rewrite} onChange={(event) => setRewrite(event.currentTarget.checked)} label={t('wizard.rewrite')} data-testid="wizard-rewrite" />
              <p className="ph-muted ph-indent">{t('wizard.rewriteHint')}</p>
            </div>
          )}
          {send.error && <FaultView fault={send.error} />}
        </div>
      </div>
      <footer className="ph-editorfoot">
        <span className="ph-grow" />
        <Button variant="subtle" color="gray" onClick={onBack} data-testid="wizard-back">
          {t('wizard.back')}
        </Button>
        <Button
          variant="filled"
          disabled={chosen.length === 0}
          loading={send.isPending}
          onClick={() => {
            const names = (of: readonly ContextView[]) => of.map((one) => one.context);
            send.mutate({ review: review.id, take: names(chosen), trust: names(chosen.filter((one) => trust.has(one.context) && !sign.has(one.context))), sign: names(chosen.filter((one) => sign.has(one.context))), follow: names(chosen.filter((one) => follow.has(one.context))), rewrite: rewrite && fromFile }, { onSuccess: onDone });
          }}
          data-testid="wizard-import"
        >
          {rewrite && fromFile ? t('wizard.importRewrite', { count: chosen.length }) : t('wizard.import', { count: chosen.length })}
        </Button>
      </footer>
    </div>
  );
}

type ContextProps = { context: ContextView; current: boolean; taken: boolean; trusted: boolean; followed: boolean; signed: boolean; onTake: () => void; onTrust: () => void; onFollow: () => void; onSign: () => void };

function Context({ context, current, taken, trusted, followed, signed, onTake, onTrust, onFollow, onSign }: ContextProps) {
  const { t, say, word } = useT();
  const { exec } = context;
  return (
    <li className={isProd(context.context) ? 'prod' : undefined} data-testid="wizard-context" data-key={context.context}>
      <div className="ph-row">
        <Checkbox checked={taken} onChange={onTake} aria-label={t('wizard.takeOne', { name: context.context })} data-testid="wizard-take" />
        <ClusterName name={context.context} />
        <span className="ph-grow" />
        {current && <Chip tone="run" icon="star">{t('wizard.current')}</Chip>}
        {context.known && (
          <Chip tone="idle" icon="check">
            {t('wizard.known')}
          </Chip>
        )}
        <Chip tone={exec ? 'ask' : 'idle'} icon={exec ? 'terminal' : 'lock'}>
          {word('clusterAuth', context.auth)}
        </Chip>
      </div>
      <div className="body">
        <Facts
          rows={[
            [t('clusters.server'), <Address key="s" server={context.server} />],
            [t('wizard.address'), word('hostClass', context.hostClass)],
            [t('clusters.ca'), context.caSha256.length > 0 ? <Fingerprints key="c" all={context.caSha256} /> : context.caFile !== null ? t('wizard.caFile', { file: visible(context.caFile) }) : context.plainHttp ? t('wizard.caNone') : t('clusters.caSystem')],
            context.skipVerify && [
              'TLS',
              <span key="t" className="ph-tone-bad ph-row">
                <Icon name="warn" size={13} />
                {t('wizard.skipsTls')}
              </span>,
            ],
            context.tlsServerName !== null && [t('clusters.tlsName'), <code key="n">{visible(context.tlsServerName)}</code>],
            context.proxy !== null && [
              t('clusters.proxy'),
              <span key="p" className="ph-row wrap ph-tone-warn">
                <code className="ph-break">{visible(context.proxy)}</code>
                {context.proxyCredentials && t('wizard.proxyCredentials')}
              </span>,
            ],
            context.issuer !== null && [t('clusters.issuer'), <code key="o" className="ph-break">{visible(context.issuer)}</code>],
            context.impersonate !== null && [t('clusters.impersonate'), <code key="i" className="ph-tone-warn ph-break">{visible(context.impersonate)}</code>],
            context.namespace !== null && [t('clusters.namespace'), <code key="ns">{visible(context.namespace)}</code>],
            [t('clusters.user'), <code key="u">{visible(context.user)}</code>],
            context.file !== '' && [t('clusters.file'), <code key="f" className="ph-break">{visible(context.file)}</code>],
            context.reads.length > 0 && [
              t('wizard.reads'),
              <ul key="r">
                {context.reads.map((path) => (
                  <li key={path}>
                    <code className="ph-break">{visible(path)}</code>
                  </li>
                ))}
              </ul>,
            ],
          ]}
        />
        {exec && (
          <div className="ph-stack tight">
            <span className="ph-muted">{t('wizard.wouldRun')}</span>
            <Program exec={exec} />
            {context.signIn && <Checkbox checked={signed} disabled={!taken} onChange={onSign} label={t('wizard.signIn')} description={t('wizard.signInHint', { issuer: visible(context.signIn.issuer) })} data-testid="wizard-signin" />}
            <Checkbox checked={trusted && !signed} disabled={!taken || signed} onChange={onTrust} label={t('wizard.trust')} description={t('wizard.trustHint')} data-testid="wizard-trust" />
          </div>
        )}
        {context.auth === 'token_file' && <Checkbox checked={followed} disabled={!taken} onChange={onFollow} label={t('wizard.follow')} description={t('wizard.followHint')} data-testid="wizard-follow" />}
        {context.warnings.map((warning) => (
          <div key={warning.en} className="ph-row ph-tone-warn top">
            <Icon name="warn" size={13} />
            <span className="ph-break">{sentence(say(warning))}</span>
          </div>
        ))}
      </div>
    </li>
  );
}
