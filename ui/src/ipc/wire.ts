/** The shape of a way to the core: the real one (`client.ts`) and the one over fixtures (`fake/`) are both this. */
import type { Commands, UiEvent } from './bindings';

export type Name = keyof Commands;
export type Req<K extends Name> = Commands[K]['req'];
export type Res<K extends Name> = Commands[K]['res'];
export type Message<K extends Name> = Commands[K]['channel'];

export interface Client {
  /** Runs a command; rejects with a `UiFault`. What comes before the answer goes to `onMessage`. */
  call<K extends Name>(name: K, req: Req<K>, onMessage?: (message: Message<K>) => void): Promise<Res<K>>;
  /** Hears what happened; answers how to stop hearing. */
  listen(hear: (event: UiEvent) => void): () => void;
}
