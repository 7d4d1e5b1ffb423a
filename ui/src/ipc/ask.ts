/** Questions to a cluster that may take long: given up here, they are given up in the core too. */
import type { Client, Message, Name, Req, Res } from './wire';
import { uuid } from '@/shared/lib/hooks';

/** The commands that can be given up. */
export type Asking = { [K in Name]: Req<K> extends { ask: string } ? K : never }[Name];

export async function ask<K extends Asking>(client: Client, name: K, req: Omit<Req<K>, 'ask'>, signal: AbortSignal, onMessage?: (message: Message<K>) => void): Promise<Res<K>> {
  const id = uuid();
  const giveUp = () => void client.call('kube_cancel', { id }).catch(() => undefined);
  signal.addEventListener('abort', giveUp, { once: true });
  try {
    return await client.call(name, { ...req, ask: id } as Req<K>, onMessage);
  } finally {
    signal.removeEventListener('abort', giveUp);
  }
}
