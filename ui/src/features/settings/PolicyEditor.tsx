/** Who may do what: own rules in order, own words on risks, and what holds where no rule fits. */
import { ActionIcon, Button, Select, TextInput } from '@mantine/core';
import { useState } from 'react';
import { useT } from '@/shared/i18n/t';
import { VerdictChip } from '@/shared/ui/chips';
import { Icon } from '@/shared/ui/icon';
import { FaultView, Loading } from '@/shared/ui/states';
import { tell } from '@/shared/ui/toasts';
import { usePolicy, useSetPolicy, type DefaultView, type PolicyView, type RiskView, type RuleView } from './api';

const DOORS = ['window', 'cli', 'assistant', 'relay'];
/** Doors that exist in this build: a rule for one that does not would look like it did something. */
const SHOWN_DOORS = ['window', 'cli'];
const RISKS = ['safe', 'low', 'medium', 'high'];
const VERDICTS = ['allow', 'ask', 'deny'];

export function PolicyEditor() {
  const policy = usePolicy();
  if (policy.isPending) return <Loading rows={5} />;
  if (!policy.data) return <FaultView fault={policy.error} onRetry={() => void policy.refetch()} />;
  return <Editor saved={policy.data} />;
}

function moved<T>(list: readonly T[], from: number, to: number): T[] {
  const copy = [...list];
  const [item] = copy.splice(from, 1);
  copy.splice(to, 0, item!);
  return copy;
}

function Editor({ saved }: { saved: PolicyView }) {
  const { t, word } = useT();
  const [rules, setRules] = useState<RuleView[]>(saved.rules);
  const [risks, setRisks] = useState<RiskView[]>(saved.risks);
  const [base, setBase] = useState(saved);
  const save = useSetPolicy();
  const dirty = JSON.stringify([rules, risks]) !== JSON.stringify([base.rules, base.risks]);
  // What another door saved meanwhile is taken over, unless something is being edited here.
  if (saved !== base && !dirty) {
    setBase(saved);
    setRules(saved.rules);
    setRisks(saved.risks);
  }

  const ids = rules.map((rule) => rule.id.trim());
  const wrongId = (index: number) => (ids[index] === '' ? t('policy.idMissing') : ids.indexOf(ids[index]!) !== index ? t('policy.idTwice') : undefined);
  const wrong = rules.some((_, index) => wrongId(index) !== undefined) || risks.some((risk) => risk.server.trim() === '' || risk.tool.trim() === '');
  const setRule = (index: number, part: Partial<RuleView>) => setRules(rules.map((rule, i) => (i === index ? { ...rule, ...part } : rule)));
  const setRisk = (index: number, part: Partial<RiskView>) => setRisks(risks.map((risk, i) => (i === index ? { ...risk, ...part } : risk)));
  const freshId = () => {
    for (let n = rules.length + 1; ; n += 1) if (!ids.includes(`rule-${n}`)) return `rule-${n}`;
  };
  const choices = (group: string, values: string[]) => values.map((value) => ({ value, label: word(group, value) }));
  const doors = [...SHOWN_DOORS, ...DOORS.filter((door) => !SHOWN_DOORS.includes(door) && rules.some((rule) => rule.door === door))];

  return (
    <div className="ph-stack" data-testid="policy">
      <p className="ph-muted">{t('policy.hint')}</p>
      <div className="ph-stack tight">
        <h3>{t('policy.rules')}</h3>
        {rules.length === 0 ? (
          <p className="ph-muted">{t('policy.noRules')}</p>
        ) : (
          <div className="ph-tablebox flat">
            <table className="ph-table edit">
              <thead>
                <tr>
                  <th scope="col" className="num">#</th>
                  <th scope="col">{t('policy.id')}</th>
                  <th scope="col">{t('policy.door')}</th>
                  <th scope="col">{t('tools.risk')}</th>
                  <th scope="col">{t('policy.server')}</th>
                  <th scope="col">{t('policy.tool')}</th>
                  <th scope="col">{t('policy.verdict')}</th>
                  <th scope="col">
                    <span className="ph-sr">{t('policy.order')}</span>
                  </th>
                </tr>
              </thead>
              <tbody>
                {rules.map((rule, index) => (
                  <tr key={index} data-testid="policy-rule">
                    <td className="num">{index + 1}</td>
                    <td>
                      <TextInput value={rule.id} error={wrongId(index)} onChange={(event) => setRule(index, { id: event.currentTarget.value })} aria-label={t('policy.id')} classNames={{ input: 'ph-mono' }} />
                    </td>
                    <td>
                      <Select data={choices('door', doors)} value={rule.door} onChange={(door) => setRule(index, { door })} placeholder={t('policy.any')} clearable aria-label={t('policy.door')} clearButtonProps={{ 'aria-label': t('common.clear') }} />
                    </td>
                    <td>
                      <Select data={choices('risk', RISKS)} value={rule.risk} onChange={(risk) => setRule(index, { risk })} placeholder={t('policy.any')} clearable aria-label={t('tools.risk')} clearButtonProps={{ 'aria-label': t('common.clear') }} />
                    </td>
                    <td>
                      <TextInput value={rule.server ?? ''} onChange={(event) => setRule(index, { server: event.currentTarget.value || null })} placeholder="*" aria-label={t('policy.server')} classNames={{ input: 'ph-mono' }} />
                    </td>
                    <td>
                      <TextInput value={rule.tool ?? ''} onChange={(event) => setRule(index, { tool: event.currentTarget.value || null })} placeholder="*" aria-label={t('policy.tool')} classNames={{ input: 'ph-mono' }} />
                    </td>
                    <td>
                      <Select data={choices('verdict', VERDICTS)} value={rule.verdict} onChange={(verdict) => verdict && setRule(index, { verdict })} allowDeselect={false} aria-label={t('policy.verdict')} />
                    </td>
                    <td>
                      <span className="ph-row acts">
                        <ActionIcon size={22} disabled={index === 0} aria-label={t('form.moveUp', { n: index + 1 })} onClick={() => setRules(moved(rules, index, index - 1))}>
                          <Icon name="arrowUp" size={13} />
                        </ActionIcon>
                        <ActionIcon size={22} disabled={index === rules.length - 1} aria-label={t('form.moveDown', { n: index + 1 })} onClick={() => setRules(moved(rules, index, index + 1))}>
                          <Icon name="arrowDown" size={13} />
                        </ActionIcon>
                        <ActionIcon size={22} aria-label={t('form.removeItem', { n: index + 1 })} onClick={() => setRules(rules.filter((_, i) => i !== index))}>
                          <Icon name="trash" size={13} />
                        </ActionIcon>
                      </span>
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        )}
        <div>
          <Button leftSection={<Icon name="plus" size={13} />} onClick={() => setRules([...rules, { id: freshId(), door: null, risk: null, server: null, tool: null, verdict: 'ask' }])} data-testid="policy-add">
            {t('policy.addRule')}
          </Button>
        </div>
      </div>

      <div className="ph-stack tight">
        <h3>{t('policy.risks')}</h3>
        <p className="ph-muted">{t('policy.risksHint')}</p>
        {risks.length > 0 && (
          <div className="ph-tablebox flat">
            <table className="ph-table edit">
              <thead>
                <tr>
                  <th scope="col">{t('policy.server')}</th>
                  <th scope="col">{t('policy.tool')}</th>
                  <th scope="col">{t('tools.risk')}</th>
                  <th scope="col">
                    <span className="ph-sr">{t('policy.order')}</span>
                  </th>
                </tr>
              </thead>
              <tbody>
                {risks.map((risk, index) => (
                  <tr key={index}>
                    <td>
                      <TextInput value={risk.server} error={risk.server.trim() === ''} onChange={(event) => setRisk(index, { server: event.currentTarget.value })} aria-label={t('policy.server')} classNames={{ input: 'ph-mono' }} />
                    </td>
                    <td>
                      <TextInput value={risk.tool} error={risk.tool.trim() === ''} onChange={(event) => setRisk(index, { tool: event.currentTarget.value })} aria-label={t('policy.tool')} classNames={{ input: 'ph-mono' }} />
                    </td>
                    <td>
                      <Select data={choices('risk', RISKS)} value={risk.risk} onChange={(next) => next && setRisk(index, { risk: next })} allowDeselect={false} aria-label={t('tools.risk')} />
                    </td>
                    <td>
                      <ActionIcon size={22} aria-label={t('form.removeItem', { n: index + 1 })} onClick={() => setRisks(risks.filter((_, i) => i !== index))}>
                        <Icon name="trash" size={13} />
                      </ActionIcon>
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        )}
        <div>
          <Button leftSection={<Icon name="plus" size={13} />} onClick={() => setRisks([...risks, { server: '*', tool: '', risk: 'medium' }])}>
            {t('policy.addRisk')}
          </Button>
        </div>
      </div>

      {save.error && <FaultView fault={save.error} />}
      {dirty && (
        <div className="ph-row ph-savebar">
          <Button
            variant="filled"
            disabled={wrong}
            loading={save.isPending}
            onClick={() =>
              save.mutate(
                { rules: rules.map((rule) => ({ ...rule, id: rule.id.trim() })), risks, defaults: base.defaults },
                {
                  onSuccess: (next) => {
                    setBase(next);
                    setRules(next.rules);
                    setRisks(next.risks);
                    tell(t('policy.saved'));
                  },
                },
              )
            }
            data-testid="policy-save"
          >
            {t('policy.save')}
          </Button>
          <Button
            variant="subtle"
            color="gray"
            onClick={() => {
              setRules(base.rules);
              setRisks(base.risks);
              save.reset();
            }}
          >
            {t('editor.revert')}
          </Button>
          {wrong && <span className="ph-tone-bad">{t('policy.fix')}</span>}
        </div>
      )}
      <Defaults rows={saved.defaults} />
    </div>
  );
}

function Defaults({ rows }: { rows: readonly DefaultView[] }) {
  const { t, word } = useT();
  const doors = [...new Set(rows.map((row) => row.door))].filter((door) => SHOWN_DOORS.includes(door));
  const risks = RISKS.filter((risk) => rows.some((row) => row.risk === risk));
  if (doors.length === 0) return null;
  return (
    <div className="ph-stack tight">
      <h3>{t('policy.defaults')}</h3>
      <p className="ph-muted">{t('policy.defaultsHint')}</p>
      <div className="ph-tablebox flat">
        <table className="ph-table">
          <thead>
            <tr>
              <th scope="col">{t('policy.door')}</th>
              {risks.map((risk) => (
                <th key={risk} scope="col">
                  {word('risk', risk)}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {doors.map((door) => (
              <tr key={door}>
                <th scope="row">{word('door', door)}</th>
                {risks.map((risk) => {
                  const found = rows.find((row) => row.door === door && row.risk === risk);
                  return <td key={risk}>{found ? <VerdictChip value={found.verdict} quiet /> : '–'}</td>;
                })}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </div>
  );
}
