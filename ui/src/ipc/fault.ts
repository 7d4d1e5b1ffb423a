/** Whatever a call was rejected with, as a fault that can be shown. */
import type { UiFault } from './bindings';

export function isFault(raw: unknown): raw is UiFault {
  return typeof raw === 'object' && raw !== null && 'code' in raw && 'message' in raw && typeof (raw as UiFault).message === 'object';
}

/** A fault from the core as it is; anything else (a broken wire, a bug of the window's own) as an `internal` one that names the command. */
export function asFault(raw: unknown, command: string): UiFault {
  if (isFault(raw)) return raw;
  const why = raw instanceof Error ? raw.message : typeof raw === 'string' ? raw : JSON.stringify(raw);
  return {
    kind: 'internal',
    code: 'window_wire',
    message: {
      en: `The window could not run “${command}”: ${why}`,
      zh: `窗口无法执行“${command}”：${why}`,
    },
    hint: {
      en: 'Reload the window with Ctrl R. If it stays, copy the diagnostics from Settings.',
      zh: '按 Ctrl R 重新载入窗口；若仍然出现，请在“设置”中复制诊断信息。',
    },
    params: { command },
    reference: null,
  };
}
