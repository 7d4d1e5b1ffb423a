/** Something that is open or not, wherever it was opened from. */
import { useSyncExternalStore } from 'react';

export type Flag = { get: () => boolean; set: (on: boolean) => void; subscribe: (tell: () => void) => () => void };

export function flag(): Flag {
  let on = false;
  const listeners = new Set<() => void>();
  return {
    get: () => on,
    set: (next) => {
      if (next === on) return;
      on = next;
      listeners.forEach((tell) => tell());
    },
    subscribe: (tell) => {
      listeners.add(tell);
      return () => listeners.delete(tell);
    },
  };
}

export const useFlag = (of: Flag): boolean => useSyncExternalStore(of.subscribe, of.get);

/** The command palette. */
export const paletteOpen = flag();
/** The list of keyboard shortcuts. */
export const helpOpen = flag();
/** The questions, looked at; a new question sets it. */
export const questionsOpen = flag();
