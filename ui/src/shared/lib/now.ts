/** The time, shared: one timer however many rows show an age. */
import { useSyncExternalStore } from 'react';

let current = Date.now();
let timer: ReturnType<typeof setInterval> | null = null;
const listeners = new Set<() => void>();

const subscribe = (tell: () => void) => {
  listeners.add(tell);
  timer ??= setInterval(() => {
    current = Date.now();
    listeners.forEach((listener) => listener());
  }, 1000);
  return () => {
    listeners.delete(tell);
    if (listeners.size === 0 && timer) {
      clearInterval(timer);
      timer = null;
    }
  };
};

/** Now, to the second. */
export const useNow = (): number => useSyncExternalStore(subscribe, () => {
  if (!timer) current = Math.max(current, Date.now() - (Date.now() % 1000));
  return current;
});
