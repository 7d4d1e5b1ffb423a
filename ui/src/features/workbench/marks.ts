/** Problems as marks in the text. */
import { useMemo } from 'react';
import { useT } from '@/shared/i18n/t';
import { tell } from '@/shared/ui/toasts';
import type { Mark } from '@/shared/yaml-editor/editor';
import { useBench } from './use-bench';

export function useMarks(): Mark[] {
  const { t, say, lang } = useT();
  const [state, bench] = useBench();
  const check = state.check;
  return useMemo(
    () =>
      (check?.view?.problems ?? []).map((problem) => ({
        line: problem.line,
        column: problem.column,
        endLine: problem.endLine,
        endColumn: problem.endColumn,
        severity: problem.severity === 'error' ? ('error' as const) : ('warning' as const),
        message: say(problem.message) + (problem.allowed.length > 0 ? `\n${t('workbench.oneOf')} ${problem.allowed.slice(0, 20).join(', ')}` : ''),
        rule: problem.rule,
        fix: problem.fix ? { label: say(problem.fix.label), run: () => void bench.mend(problem, check!.rev, () => tell(t('workbench.fixLate'))) } : null,
      })),
    // `say` and `t` are new with each drawing; the language is what they hang on.
    // eslint-disable-next-line react-hooks/exhaustive-deps
    [check, bench, lang],
  );
}
