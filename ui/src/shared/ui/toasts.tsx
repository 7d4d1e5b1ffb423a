/** What happened elsewhere than where one looks: a change from a menu that failed, something that was done. Goes by itself; a fault stays. */
import { useEffect, useSyncExternalStore } from 'react';
import { useT } from '../i18n/t';
import type { Fault } from '../lib/words';
import { FaultView } from './states';
import { IconButton, Notice } from './parts';

type Toast = { id: number; text?: string; fault?: Fault };

let toasts: Toast[] = [];
let next = 1;
const listeners = new Set<() => void>();
const publish = (list: Toast[]) => {
  toasts = list;
  listeners.forEach((tell) => tell());
};

export function tellFault(fault: Fault): void {
  publish([...toasts.filter((toast) => toast.fault?.code !== fault.code), { id: next++, fault }].slice(-3));
}

export function tell(text: string): void {
  publish([...toasts, { id: next++, text }].slice(-3));
}

export const forgetToasts = () => publish([]);

const drop = (id: number) => publish(toasts.filter((toast) => toast.id !== id));

export function Toasts() {
  const { t } = useT();
  const list = useSyncExternalStore(
    (tellMe) => {
      listeners.add(tellMe);
      return () => listeners.delete(tellMe);
    },
    () => toasts,
  );
  return (
    <div className="ph-toasts" aria-live="polite">
      {list.map((toast) => (
        <div key={toast.id} className="ph-toast" data-testid="toast">
          {toast.fault ? <FaultView fault={toast.fault} compact /> : <Fading id={toast.id} text={toast.text ?? ''} />}
          <IconButton icon="close" label={t('common.close')} onClick={() => drop(toast.id)} size={22} />
        </div>
      ))}
    </div>
  );
}

function Fading({ id, text }: { id: number; text: string }) {
  useEffect(() => {
    const timer = setTimeout(() => drop(id), 4000);
    return () => clearTimeout(timer);
  }, [id]);
  return <Notice tone="ok">{text}</Notice>;
}
