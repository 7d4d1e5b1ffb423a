/** Runs of tools. They live outside the page: leaving it neither stops a call nor loses its answer. */
import { useSyncExternalStore } from 'react';
import type { CallDone, ToolCallEvent, UiFault } from './api';

export type RunLine = { at: number; event: Extract<ToolCallEvent, { type: 'chunk' | 'log' }> };

export type Run = {
  callId: string;
  startedAt: number;
  progress: { done: number; total: number | null; message: string | null } | null;
  lines: RunLine[];
  /** Lines that are no longer kept. */
  dropped: number;
  cancelling: boolean;
  end: { at: number; done: CallDone | null; fault: UiFault | null } | null;
};

const MAX_LINES = 500;
const runs = new Map<string, Run>();
const listeners = new Set<() => void>();
let waiting = false;

export const runKey = (server: string, tool: string) => `${server}\n${tool}`;

function publish(now: boolean) {
  if (now) {
    listeners.forEach((tell) => tell());
    return;
  }
  // A flood of chunks is drawn once a frame.
  if (waiting) return;
  waiting = true;
  setTimeout(() => {
    waiting = false;
    listeners.forEach((tell) => tell());
  }, 50);
}

export function begin(key: string, callId: string): void {
  runs.set(key, { callId, startedAt: Date.now(), progress: null, lines: [], dropped: 0, cancelling: false, end: null });
  publish(true);
}

const patch = (key: string, callId: string, change: (run: Run) => Run, now = true) => {
  const run = runs.get(key);
  // An answer to an earlier call must not end a later one.
  if (!run || run.callId !== callId) return;
  runs.set(key, change(run));
  publish(now);
};

export function hear(key: string, callId: string, event: ToolCallEvent): void {
  patch(
    key,
    callId,
    (run) => {
      if (run.end) return run;
      if (event.type === 'progress') return { ...run, progress: { done: event.progress, total: event.total, message: event.message } };
      const lines = [...run.lines, { at: Date.now(), event }];
      const over = Math.max(0, lines.length - MAX_LINES);
      return { ...run, lines: over > 0 ? lines.slice(over) : lines, dropped: run.dropped + over };
    },
    false,
  );
}

export const cancelling = (key: string, callId: string): void => patch(key, callId, (run) => ({ ...run, cancelling: true }));

export const finish = (key: string, callId: string, done: CallDone | null, fault: UiFault | null): void =>
  patch(key, callId, (run) => ({ ...run, end: { at: Date.now(), done, fault } }));

export function forget(key: string): void {
  runs.delete(key);
  publish(true);
}

const subscribe = (tell: () => void) => {
  listeners.add(tell);
  return () => listeners.delete(tell);
};

export const useRun = (key: string): Run | undefined => useSyncExternalStore(subscribe, () => runs.get(key));
