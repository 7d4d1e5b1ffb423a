/** Draft → Validate → Rehearse → Approve → Apply: which step one is at, whether it can be taken, and why not. Pure. */
import type { ClusterView, UiFault } from './api';
import { stale, targetKey, type BenchState } from './bench';
import { CALM } from './manifest';

export const STEPS = ['draft', 'validate', 'rehearse', 'approve', 'apply'] as const;
export type Step = (typeof STEPS)[number];
export type Action = 'check' | 'rehearse' | 'approve' | 'apply';

/** A reason by its name in the words, with what stands in it; or a fault, which has its own words. */
export type Why = { key: string; values?: Record<string, string | number> } | { fault: UiFault };

export type Standing = {
  /** Where one is. */
  at: Step;
  /** All is done: what lies there is applied. */
  done: boolean;
  /** What can be done now; null where nothing can. */
  action: Action | null;
  busy: 'checking' | 'rehearsing' | 'applying' | null;
  why: Why | null;
  /** Of how many objects something would change. */
  count: number;
};

export type Around = { cluster: ClusterView | null; /** The credentials of clusters are locked. */ locked: boolean; now: number; clock: (at: number) => string };

export function standing(state: BenchState, around: Around): Standing {
  const { doc, check, checking, rehearsal } = state;
  const at = (at: Step, rest: Partial<Standing> = {}): Standing => ({ at, done: false, action: null, busy: null, why: null, count: 0, ...rest });

  if (state.applying !== null) return at('apply', { busy: 'applying', count: moved(state) });
  if (doc.length === 0) return at('draft', { why: { key: 'empty' } });

  // Validate
  const fresh = check !== null && check.rev === doc.rev && check.target === targetKey(state.target);
  if (!fresh) {
    if (checking !== null) return at('validate', { busy: 'checking', why: { key: 'checking' } });
    if (state.held) return at('validate', { action: 'check', why: { key: 'held' } });
    return doc.length > CALM ? at('validate', { action: 'check', why: { key: 'large' } }) : at('validate', { busy: 'checking', why: { key: 'checking' } });
  }
  if (check.fault) return at('validate', { action: 'check', why: { fault: check.fault } });
  if (check.masked.length > 0) return at('validate', { why: { key: 'masked', values: { count: check.masked.length, name: check.masked[0]!.name } } });
  const errors = (check.view?.problems ?? []).filter((one) => one.severity === 'error').length;
  if (errors > 0) return at('validate', { why: { key: 'errors', values: { count: errors } } });
  if ((check.view?.objects ?? 0) === 0) return at('validate', { why: { key: 'nothing' } });

  // Rehearse
  if (state.target.cluster === null || around.cluster === null) return at('rehearse', { why: { key: 'noCluster' } });
  const name = around.cluster.name;
  if (around.locked) return at('rehearse', { why: { key: 'locked', values: { name } } });
  if (around.cluster.readOnly) return at('rehearse', { why: { key: 'readOnly', values: { name } } });
  if (state.rehearsing !== null) return at('rehearse', { busy: 'rehearsing' });
  if (state.rehearseFault) return at('rehearse', { action: 'rehearse', why: { fault: state.rehearseFault } });
  if (!rehearsal) return at('rehearse', { action: 'rehearse' });
  const old = stale(state);
  if (old !== null) return at('rehearse', { action: 'rehearse', why: { key: `stale.${old}` } });
  if (rehearsal.spent) {
    if (state.applied) return at('apply', { done: true, count: state.applied.view.applied.length });
    return at('rehearse', { action: 'rehearse', why: state.applyFault ? { fault: state.applyFault } : { key: 'spent' } });
  }
  if (rehearsal.view.expiresAt <= around.now) return at('rehearse', { action: 'rehearse', why: { key: 'expired', values: { at: around.clock(rehearsal.view.expiresAt) } } });

  // Approve
  const count = moved(state);
  const open = rehearsal.view.conflicts.filter((one) => !one.takenOver);
  if (open.length > 0) return at('approve', { count, why: { key: 'conflicts', values: { count: open.length, manager: [...new Set(open.map((one) => one.manager))].join(', ') } } });
  if (count === 0) return at('approve', { count, why: { key: 'unchanged', values: { name } } });
  if (!state.approved) return at('approve', { count, action: 'approve' });

  return at('apply', { count, action: 'apply', why: state.applyFault ? { fault: state.applyFault } : null });
}

const moved = (state: BenchState): number => (state.rehearsal?.view.changes ?? []).filter((one) => one.action !== 'unchanged').length;

/** How a step looks from where one is. */
export function look(step: Step, now: Standing): 'past' | 'here' | 'ahead' {
  if (now.done) return 'past';
  const [mine, here] = [STEPS.indexOf(step), STEPS.indexOf(now.at)];
  return mine < here ? 'past' : mine === here ? 'here' : 'ahead';
}
