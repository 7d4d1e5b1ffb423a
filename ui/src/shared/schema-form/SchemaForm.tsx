/** One form for everything that comes with a JSON Schema: a tool's arguments, a protocol's settings, a server's question. Never crashes: a
 * part it cannot draw becomes a JSON box. */
import { Component, useId, useMemo, type ReactNode } from 'react';
import { useT } from '../i18n/t';
import { isMap, type Json, type JsonMap } from '../lib/words';
import { Icon } from '../ui/icon';
import { Form, wrongUnder, type FieldWords, type FormContext } from './context';
import { FieldRow, JsonField } from './fields';
import { shapeOf, type Field } from './shape';
import type { Issue, Path, Schema } from './validate';

/** `closed` starts folded; `opensUsed` unfolds it where a field of it has a value. */
export type Group = { key: string; title: string; fields: string[]; closed?: boolean; opensUsed?: boolean };

type Props = {
  schema: Schema;
  value: JsonMap;
  onChange: (value: JsonMap) => void;
  issues?: readonly Issue[];
  names?: 'code' | 'words';
  wordsOf?: (path: Path, title: string | null, about: string | null) => FieldWords;
  groups?: readonly Group[];
  /** Whether a top-level field is drawn; one that has a value always is. */
  shows?: (name: string) => boolean;
  filled?: Record<string, Json>;
  disabled?: boolean;
  /** What stands under a top-level field, by its name. */
  beneath?: Record<string, ReactNode>;
  /** Said when there is nothing to fill in. */
  nothing?: ReactNode;
  testId?: string;
};

export function SchemaForm({ schema, value, onChange, issues = [], names = 'code', wordsOf, groups, shows, filled, disabled, beneath, nothing, testId }: Props) {
  const base = useId();
  const form: FormContext = useMemo(
    () => ({ root: schema, names, wordsOf, issues, filled: filled ?? {}, base, disabled: disabled ?? false }),
    [schema, names, wordsOf, issues, filled, base, disabled],
  );
  return (
    <Form.Provider value={form}>
      <div className={`ph-form ${names}`} data-testid={testId}>
        <Guard fallback={<JsonField path={[]} value={value} onChange={(next) => onChange(isMap(next) ? next : {})} />}>
          <Body schema={schema} value={value} onChange={onChange} groups={groups} shows={shows} beneath={beneath} nothing={nothing} form={form} />
        </Guard>
      </div>
    </Form.Provider>
  );
}

function Body({ schema, value, onChange, groups, shows, beneath, nothing, form }: Pick<Props, 'schema' | 'value' | 'onChange' | 'groups' | 'shows' | 'beneath' | 'nothing'> & { form: FormContext }) {
  const { t } = useT();
  const shape = useMemo(() => shapeOf(schema, schema), [schema]);
  if (shape.kind !== 'object')
    return shape.kind === 'json' || shape.kind === 'never' || shape.kind === 'map' || shape.kind === 'choice' ? (
      <FieldRow field={{ name: '', schema, required: true }} path={[]} value={value} onChange={(next) => onChange(isMap(next) ? next : {})} bare />
    ) : (
      <JsonField path={[]} value={value} onChange={(next) => onChange(isMap(next) ? next : {})} />
    );

  const set = (name: string, next: Json | undefined) => {
    const copy = { ...value };
    if (next === undefined) delete copy[name];
    else copy[name] = next;
    onChange(copy);
  };
  const visible = (field: Field) => !shows || shows(field.name) || value[field.name] !== undefined;
  const draw = (field: Field) => (
    <Guard key={field.name} fallback={<JsonField path={[field.name]} value={value[field.name]} onChange={(next) => set(field.name, next)} label={field.name} />}>
      <FieldRow field={field} path={[field.name]} value={value[field.name]} onChange={(next) => set(field.name, next)} />
      {beneath?.[field.name]}
    </Guard>
  );

  if (shape.fields.length === 0) return <div className="ph-muted">{nothing ?? t('form.nothing')}</div>;
  if (!groups) return <>{shape.fields.filter(visible).map(draw)}</>;

  const named = new Set(groups.flatMap((group) => group.fields));
  return (
    <>
      {groups.map((group) => {
        const fields = shape.fields.filter((field) => (group.fields.includes(field.name) || (group.key === 'rest' && !named.has(field.name))) && visible(field));
        if (fields.length === 0) return null;
        const used = fields.some((field) => isSet(value[field.name]));
        const wrong = fields.some((field) => wrongUnder(form, [field.name]));
        return (
          <details key={group.key} className="ph-group" open={!group.closed || wrong || (group.opensUsed === true && used)}>
            <summary>
              <Icon name="chevronRight" size={12} />
              <span>{group.title}</span>
              {group.closed && <span className={used ? 'set ph-cut' : 'ph-faint ph-cut'}>{fields.filter((field) => !used || isSet(value[field.name])).map((field) => brief(form.wordsOf?.([field.name], null, null).label ?? field.name, value[field.name])).join(t('common.comma'))}</span>}
            </summary>
            <div className="ph-groupbody">{fields.map(draw)}</div>
          </details>
        );
      })}
    </>
  );
}

const isSet = (value: Json | undefined) => value !== undefined && value !== null && !(Array.isArray(value) && value.length === 0);

/** `Patience (s) 30`; of a list or an object only its name. */
const brief = (label: string, value: Json | undefined) => (typeof value === 'number' || typeof value === 'boolean' ? `${label} ${String(value)}` : label);

/** What fails to draw is edited as JSON. */
class Guard extends Component<{ children: ReactNode; fallback: ReactNode }, { failed: boolean }> {
  override state = { failed: false };
  static getDerivedStateFromError() {
    return { failed: true };
  }
  override render() {
    return this.state.failed ? this.props.fallback : this.props.children;
  }
}
