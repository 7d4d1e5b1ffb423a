/** What is wrong with the text, where, and what mends it; and how strict each rule is for this cluster. */
import { Button, SegmentedControl } from '@mantine/core';
import { useMemo, useState } from 'react';
import { useChange } from '@/ipc/query';
import { useT } from '@/shared/i18n/t';
import { fits } from '@/shared/lib/fuzzy';
import { visible } from '@/shared/lib/visible';
import { Icon } from '@/shared/ui/icon';
import { SearchBox } from '@/shared/ui/search';
import { Empty, FaultView, Loading } from '@/shared/ui/states';
import { tell, tellFault } from '@/shared/ui/toasts';
import { useRules, type WbProblemView } from './api';
import { targetKey } from './bench';
import { CALM } from './manifest';
import { useBench, useClusterOf } from './use-bench';

const MOST = 250;

export function ProblemsTab() {
  const { t } = useT();
  const [state, bench] = useBench();
  const [all, setAll] = useState(false);
  const { check, doc } = state;
  const view = check?.view ?? null;
  const cluster = useClusterOf(state.target.cluster);
  const old = check !== null && (check.rev !== doc.rev || check.target !== targetKey(state.target));
  const problems = useMemo(() => [...(view?.problems ?? [])].sort((a, b) => a.line - b.line || a.column - b.column), [view]);
  const errors = problems.filter((one) => one.severity === 'error').length;
  return (
    <div className="ph-problems">
      {check?.fault && (
        <div className="ph-pad">
          <FaultView fault={check.fault} onRetry={() => void bench.checkNow()} compact />
        </div>
      )}
      {(check?.masked ?? []).length > 0 && (
        <div className="ph-pad">
          <div className="ph-notice bad" role="alert" data-testid="masked">
            <Icon name="lock" />
            <div className="ph-grow ph-stack tight">
              <strong>{t('workbench.maskedTitle')}</strong>
              <div>{t('workbench.maskedText')}</div>
              <div className="ph-row wrap">
                {check!.masked.map((one) => (
                  <button key={one.line} type="button" className="ph-plain ph-link" onClick={() => bench.editor.current?.goTo(one.line)}>
                    {visible(one.key)} · {t('workbench.lineNo', { line: one.line })}
                  </button>
                ))}
              </div>
            </div>
          </div>
        </div>
      )}
      {doc.length === 0 ? (
        <Empty icon="ok" title={t('workbench.noText')}>
          {t('workbench.noTextHint')}
        </Empty>
      ) : !view ? (
        doc.length > CALM && state.checking === null && !check ? (
          <Empty icon="info" title={t('workbench.largeTitle')} action={<Button onClick={() => void bench.checkNow()}>{t('workbench.act.check')}</Button>}>
            {t('workbench.large')}
          </Empty>
        ) : (
          !check?.fault && <Loading rows={4} />
        )
      ) : (
        <>
          <div className="ph-row ph-problemshead" role="status" data-testid="problems-summary" data-old={old}>
            <Icon name={errors > 0 ? 'fail' : problems.length > 0 ? 'warn' : 'ok'} size={14} className={errors > 0 ? 'ph-tone-bad' : problems.length > 0 ? 'ph-tone-warn' : 'ph-tone-ok'} />
            <strong>{problems.length === 0 ? t('workbench.clean') : [errors > 0 && t('workbench.errorCount', { count: errors }), problems.length > errors && t('workbench.warningCount', { count: problems.length - errors })].filter(Boolean).join(t('common.comma'))}</strong>
            <span className="ph-muted ph-cut">
              {t('workbench.judgedBy', { count: view.objects, by: cluster ? visible(cluster.name) : `Kubernetes ${view.version}` })}
              {old && ` · ${t('workbench.oldAnswer')}`}
            </span>
          </div>
          <ul className="ph-problemlist">
            {problems.slice(0, all ? undefined : MOST).map((one, index) => (
              <Problem key={`${index}:${one.rule}`} problem={one} rev={check!.rev} old={old} />
            ))}
          </ul>
          {problems.length > MOST && !all && (
            <div className="ph-pad">
              <Button onClick={() => setAll(true)}>{t('workbench.showAll', { count: problems.length })}</Button>
            </div>
          )}
        </>
      )}
      <Rules />
    </div>
  );
}

function Problem({ problem, rev, old }: { problem: WbProblemView; rev: number; old: boolean }) {
  const { t, say } = useT();
  const [, bench] = useBench();
  const bad = problem.severity === 'error';
  return (
    <li data-testid="problem" data-severity={problem.severity} data-rule={problem.rule}>
      <button type="button" className="ph-plain ph-problem" onClick={() => bench.editor.current?.goTo(problem.line, problem.column)} title={t('workbench.goToLine', { line: problem.line })}>
        <Icon name={bad ? 'fail' : 'warn'} size={14} className={bad ? 'ph-tone-bad' : 'ph-tone-warn'} />
        <span className="ph-grow">
          <span className="ph-sr">{bad ? t('workbench.error') : t('workbench.warning')} </span>
          <span className="ph-break">{visible(say(problem.message))}</span>
          {problem.allowed.length > 0 && (
            <span className="ph-muted ph-break">
              {' '}
              {t('workbench.oneOf')} {visible(problem.allowed.slice(0, 12).join(', '))}
              {problem.allowed.length > 12 ? ' …' : ''}
            </span>
          )}
          <span className="ph-faint ph-problemfoot">
            <span className="ph-num">
              {problem.line}:{problem.column}
            </span>
            {problem.path && <code className="ph-cut">{visible(problem.path)}</code>}
            <code>{problem.rule}</code>
          </span>
        </span>
      </button>
      {problem.fix && (
        <Button size="compact-xs" disabled={old} onClick={() => void bench.mend(problem, rev, () => tell(t('workbench.fixLate')))} data-testid="problem-fix">
          {visible(say(problem.fix.label))}
        </Button>
      )}
    </li>
  );
}

function Rules() {
  const { t } = useT();
  const [open, setOpen] = useState(false);
  const [state] = useBench();
  const cluster = useClusterOf(state.target.cluster);
  return (
    <details className="ph-group ph-rules" open={open} onToggle={(event) => setOpen(event.currentTarget.open)} data-testid="rules">
      <summary>
        <Icon name="chevronRight" size={12} />
        {cluster ? t('workbench.rulesOf', { name: visible(cluster.name) }) : t('workbench.rules')}
      </summary>
      {open && <RuleList />}
    </details>
  );
}

function RuleList() {
  const { t, say } = useT();
  const [state, bench] = useBench();
  const cluster = state.target.cluster;
  const rules = useRules(cluster);
  const save = useChange('wb_rule_set');
  const [query, setQuery] = useState('');
  if (rules.error) return <FaultView fault={rules.error} compact onRetry={() => void rules.refetch()} />;
  if (!rules.data) return <Loading rows={4} />;
  const shown = rules.data.filter((one) => fits(query, `${one.id} ${say(one.about)}`));
  return (
    <div className="ph-stack tight">
      <p className="ph-muted">{cluster === null ? t('workbench.rulesNone') : t('workbench.rulesHint')}</p>
      <SearchBox value={query} onChange={setQuery} label={t('workbench.findRule')} testId="rule-search" aside />
      <ul className="ph-rulelist">
        {shown.map((one) => (
          <li key={one.id} data-testid="rule" data-key={one.id}>
            <div className="ph-grow">
              <code>{one.id}</code>
              {one.level !== one.usual && <span className="ph-faint"> · {t('workbench.usually', { level: t(`workbench.ruleLevel.${one.usual}`) })}</span>}
              <div className="ph-muted ph-break">{say(one.about)}</div>
            </div>
            {one.adjustable ? (
              <SegmentedControl
                aria-label={t('workbench.levelOf', { rule: one.id })}
                data={(['off', 'warn', 'block'] as const).map((level) => ({ value: level, label: t(`workbench.ruleLevel.${level}`) }))}
                value={one.level}
                disabled={cluster === null || save.isPending}
                onChange={(level) =>
                  save.mutate({ cluster: cluster!, id: one.id, level: level === one.usual ? null : level }, { onSuccess: bench.recheck, onError: tellFault })
                }
                data-testid="rule-level"
              />
            ) : (
              <span className="ph-muted">{t('workbench.always')}</span>
            )}
          </li>
        ))}
      </ul>
    </div>
  );
}
