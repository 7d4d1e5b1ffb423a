/** Takes the next step of the bar, where it can be taken. */
import type { Bench } from './bench';
import type { Standing } from './steps';

export function step(bench: Bench, now: Standing): void {
  if (now.action === 'check') void bench.checkNow();
  else if (now.action === 'rehearse') void bench.rehearse();
  else if (now.action === 'approve') bench.approve();
  else if (now.action === 'apply') void bench.apply();
}
