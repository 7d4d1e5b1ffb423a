/** Signing in to a cluster at its issuer: where it stands, the way in by browser or by code, and out again. No token comes here. */
import { Button } from '@mantine/core';
import { useEffect, useRef, useState } from 'react';
import { asFault } from '@/ipc/fault';
import { useSpeaking } from '@/ipc/query';
import { useT } from '@/shared/i18n/t';
import { visible } from '@/shared/lib/visible';
import { Chip } from '@/shared/ui/chips';
import { Expiry } from '@/shared/ui/expiry';
import { Icon } from '@/shared/ui/icon';
import { CopyButton, Notice } from '@/shared/ui/parts';
import { FaultView } from '@/shared/ui/states';
import { tell, tellFault } from '@/shared/ui/toasts';
import { useCancelLogin, useLogout, useOpenPage, useSignIn, type LoginStepView, type SignInView, type UiFault } from './api';

type Going = { device: boolean; step: LoginStepView | null };

export function SignInPart({ id }: { id: string }) {
  const state = useSignIn(id);
  const { t, say } = useT();
  const speak = useSpeaking();
  const cancel = useCancelLogin();
  const logout = useLogout();
  const [going, setGoing] = useState<Going | null>(null);
  const [fault, setFault] = useState<UiFault | null>(null);
  // Another sign-in, or another cluster: what the one before says is not shown any more.
  const turn = useRef(0);
  useEffect(() => () => void (turn.current += 1), []);

  const login = (device: boolean) => {
    const mine = ++turn.current;
    setFault(null);
    setGoing({ device, step: null });
    speak('cluster_login', { id, device }, (step) => mine === turn.current && setGoing({ device, step })).then(
      (done) => {
        if (mine !== turn.current) return;
        setGoing(null);
        tell(t('login.done', { user: visible(done.user) }));
      },
      (why: unknown) => {
        if (mine !== turn.current) return;
        setGoing(null);
        const fault = asFault(why, 'cluster_login');
        if (fault.kind !== 'cancelled') setFault(fault);
      },
    );
  };
  const leave = () =>
    logout.mutate(
      { id },
      {
        onSuccess: (out) => tell(out.revoked === 'failed' && out.why ? t('login.outFailed', { why: say(out.why) }) : out.revoked === 'not_offered' ? t('login.outNotOffered') : t('login.out')),
        onError: tellFault,
      },
    );

  return (
    <div className="ph-stack tight" data-testid="cluster-signin">
      {state.error && !going && <FaultView fault={state.error} compact />}
      {state.data && !going && <Stands state={state.data} />}
      {fault && !going && <FaultView fault={fault} compact />}
      {going ? (
        <Waiting going={going} onCancel={() => cancel.mutate({ id })} cancelling={cancel.isPending} />
      ) : (
        <div className="ph-row wrap">
          <Button variant={state.data?.needed ? 'filled' : 'default'} leftSection={<Icon name="person" size={14} />} onClick={() => login(false)} data-testid="cluster-login">
            {t('login.in')}
          </Button>
          <Button leftSection={<Icon name="lock" size={14} />} onClick={() => login(true)} data-testid="cluster-login-code">
            {t('login.inWithCode')}
          </Button>
          {state.data?.user && (
            <Button variant="subtle" color="gray" loading={logout.isPending} onClick={leave} data-testid="cluster-logout">
              {t('login.leave')}
            </Button>
          )}
        </div>
      )}
    </div>
  );
}

function Stands({ state }: { state: SignInView }) {
  const { t } = useT();
  return (
    <div className="ph-row wrap" data-testid="cluster-signin-state" data-state={state.needed ? 'needed' : 'in'}>
      {state.needed ? (
        <Chip tone="ask" icon="person">
          {t('login.needed')}
        </Chip>
      ) : (
        <Chip tone="ok" icon="check">
          {t('login.signedIn')}
        </Chip>
      )}
      {state.user && <strong className="ph-break">{visible(state.user)}</strong>}
      {!state.needed && state.renews && <span className="ph-muted">{t('login.renews')}</span>}
      {!state.needed && !state.renews && state.expiresAt !== null && <Expiry at={state.expiresAt} />}
    </div>
  );
}

function Waiting({ going, onCancel, cancelling }: { going: Going; onCancel: () => void; cancelling: boolean }) {
  const { t } = useT();
  const open = useOpenPage();
  const { step } = going;
  const place = step?.kind === 'page' ? step.url : step?.kind === 'code' ? (step.pageWithCode ?? step.page) : null;
  const words = step === null ? t('login.asking') : step.kind === 'code' ? t('login.typeCode') : step.opened ? t('login.opened') : t('login.openIt');
  return (
    <Notice
      tone="run"
      icon="person"
      title={words}
      testId="cluster-login-waiting"
      actions={
        <Button variant="subtle" color="gray" loading={cancelling} onClick={onCancel} data-testid="cluster-login-cancel">
          {t('common.cancel')}
        </Button>
      }
    >
      {step?.kind === 'code' && (
        <div className="ph-stack tight">
          <div className="ph-row">
            <code className="ph-bigcode" data-testid="cluster-login-usercode">
              {visible(step.code)}
            </code>
            <CopyButton text={step.code} label={t('login.copyCode')} testId="cluster-login-copy" />
          </div>
          <code className="ph-break">{visible(step.page)}</code>
          <span className="ph-row ph-muted">
            {t('login.codeCounts')} <Expiry at={step.expiresAt} />
          </span>
        </div>
      )}
      {step?.kind === 'page' && !step.opened && <code className="ph-break">{visible(step.url)}</code>}
      {place !== null && !(step?.kind === 'page' && step.opened) && (
        <div className="ph-row wrap">
          <Button leftSection={<Icon name="external" size={14} />} onClick={() => open.mutate({ url: place }, { onError: tellFault })} data-testid="cluster-login-open">
            {t('login.openPage')}
          </Button>
          <CopyButton text={place} words label={t('login.copyPage')} />
        </div>
      )}
    </Notice>
  );
}
