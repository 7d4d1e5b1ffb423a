/** The fields of a `SchemaForm`. A field that is left empty is left out. */
import { ActionIcon, Button, Checkbox, MultiSelect, SegmentedControl, Select, Switch, Textarea, TextInput } from '@mantine/core';
import { useMemo, useState, type ClipboardEvent, type KeyboardEvent, type ReactNode } from 'react';
import { maybe, useT } from '../i18n/t';
import { humanName } from '../lib/format';
import { visible } from '../lib/visible';
import { isMap, type Json, type JsonMap } from '../lib/words';
import { JsonEditor } from '../json/editor';
import { Icon } from '../ui/icon';
import { idOf, issueAt, useForm, wrongUnder } from './context';
import { SecretField } from './secret-field';
import { beginning, couldBe, labelOf, same, shapeOf, type Field, type Option, type Shape } from './shape';
import type { Path, Schema } from './validate';

type ValueProps = { path: Path; value: Json | undefined; onChange: (value: Json | undefined) => void };
type RowProps = ValueProps & { field: Field; bare?: boolean; depth?: number };

const MAX_DEPTH = 10;
/** Texts that are short by nature. */
const SLIM = new Set(['host', 'path', 'username', 'password']);

/** A field with its label, its help and what is wrong with it. */
export function FieldRow({ field, path, value, onChange, bare, depth = 0 }: RowProps) {
  const form = useForm();
  const { t } = useT();
  const shape = useMemo(() => shapeOf(field.schema, form.root, field.name), [field, form.root]);
  const given = form.wordsOf?.(path, shape.title, shape.about);
  const help = given ? given.help : shape.about;
  const id = idOf(form.base, path);
  const issue = issueAt(form, path);
  const filled = path.length === 1 ? form.filled[String(path[0])] : undefined;
  const group = ['object', 'list', 'tuple', 'map', 'choice'].includes(shape.kind);
  const slim = form.names === 'words' && (['number', 'boolean', 'enum'].includes(shape.kind) || SLIM.has(field.name));
  const label = given?.label ?? (form.names === 'code' ? field.name : (shape.title ?? humanName(field.name)));
  const about: ReactNode = (
    <>
      {help && <div className="help ph-break">{visible(help)}</div>}
      {filled !== undefined && value === undefined && <div className="help">{t('form.filled', { value: short(filled) })}</div>}
    </>
  );
  const body = (
    <FieldBody
      shape={shape}
      schema={field.schema}
      path={path}
      value={value}
      onChange={onChange}
      name={field.name}
      label={label}
      required={field.required}
      depth={depth}
    />
  );
  const wrong = issue && (
    <div className="wrong" id={`${id}-issue`} role="alert">
      <Icon name="warn" size={13} />
      <span>{issue}</span>
    </div>
  );
  if (bare)
    return (
      <div className="ph-field">
        {about}
        {body}
        {path.length === 0 && wrong}
      </div>
    );
  const head = (
    <>
      <span className={form.names === 'code' ? 'ph-mono name' : 'name'}>{visible(label)}</span>
      {field.required && (
        <span className="req" title={t('form.required')}>
          <span aria-hidden="true">*</span>
          <span className="ph-sr">{t('form.required')}</span>
        </span>
      )}
      {form.names === 'code' && shape.title && shape.title.toLowerCase().replace(/\W/g, '') !== field.name.toLowerCase().replace(/\W/g, '') && (
        <span className="title">{visible(shape.title)}</span>
      )}
      {form.names === 'code' && <span className="kind">{t(`kind.${shape.kind}`)}{shape.nullable ? ` | null` : ''}</span>}
      {shape.deprecated && <span className="kind">{t('form.deprecated')}</span>}
    </>
  );
  return group ? (
    <div role="group" aria-labelledby={`${id}-label`} className={`ph-field${issue ? ' bad' : ''}`} data-field={field.name}>
      <div className="label" id={`${id}-label`}>
        {head}
      </div>
      {about}
      {body}
      {wrong}
    </div>
  ) : (
    <div className={`ph-field${issue ? ' bad' : ''}${slim ? ' slim' : ''}`} data-field={field.name}>
      <label className="label" htmlFor={id} id={`${id}-label`}>
        {head}
      </label>
      {about}
      {body}
      {wrong}
    </div>
  );
}

const short = (value: Json): string => {
  const text = labelOf(value);
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
};

type BodyProps = ValueProps & { shape: Shape; schema: Schema; name: string; label: string; required: boolean; depth: number };

function FieldBody(props: BodyProps) {
  const { shape, path, value, onChange, required, depth } = props;
  const form = useForm();
  const { t } = useT();
  const id = idOf(form.base, path);
  const issue = issueAt(form, path);
  const common = { id, disabled: form.disabled, 'aria-invalid': issue ? true : undefined, 'aria-describedby': issue ? `${id}-issue` : undefined } as const;

  if (shape.nullable && required && shape.kind !== 'null') {
    const inner = { ...shape, nullable: false } as Shape;
    return (
      <div className="ph-stack tight">
        <Checkbox
          label={t('form.null')}
          checked={value === null}
          disabled={form.disabled}
          onChange={(event) => onChange(event.currentTarget.checked ? null : (beginning(props.schema, form.root) ?? undefined))}
        />
        {value !== null && <FieldBody {...props} shape={inner} />}
      </div>
    );
  }
  // A value of another kind than the schema says (a `${NAME}` in a number, an import) must not be lost by drawing it.
  if (value !== undefined && value !== null && !couldBe(value, shape) && shape.kind !== 'choice') {
    if (typeof value === 'string' && (shape.kind === 'number' || shape.kind === 'boolean' || shape.kind === 'enum'))
      return <TextInput {...common} value={value} onChange={(event) => onChange(event.currentTarget.value === '' ? undefined : retyped(event.currentTarget.value, shape))} classNames={{ input: 'ph-mono' }} />;
    return <JsonField path={path} value={value} onChange={onChange} label={props.label} />;
  }
  const fallback = shape.fallback === undefined || shape.fallback === null ? null : short(shape.fallback);
  const hint = fallback !== null ? t('form.default', { value: fallback }) : shape.example ? t('form.example', { value: shape.example }) : undefined;
  const nested = path.length > 0 && depth > 0;

  switch (shape.kind) {
    case 'text':
      return <TextValue {...props} shape={shape} common={common} hint={hint} />;
    case 'number':
      return <NumberValue {...props} shape={shape} common={common} hint={hint} />;
    case 'boolean':
      if (required || typeof shape.fallback === 'boolean')
        return (
          <Switch
            {...common}
            checked={typeof value === 'boolean' ? value : shape.fallback === true}
            onChange={(event) => onChange(event.currentTarget.checked)}
            label={(typeof value === 'boolean' ? value : shape.fallback === true) ? t('common.yes') : t('common.no')}
          />
        );
      return (
        <SegmentedControl
          id={id}
          aria-labelledby={`${id}-label`}
          disabled={form.disabled}
          value={value === true ? 'yes' : value === false ? 'no' : 'unset'}
          onChange={(next) => onChange(next === 'unset' ? undefined : next === 'yes')}
          data={[
            { value: 'unset', label: t('form.unset') },
            { value: 'yes', label: t('common.yes') },
            { value: 'no', label: t('common.no') },
          ]}
        />
      );
    case 'enum':
      return <EnumValue {...props} options={shape.options} common={common} hint={hint} required={required} />;
    case 'many':
      return <ManyValue {...props} options={shape.options} common={common} />;
    case 'const':
      return <code className="ph-const">{visible(labelOf(shape.value))}</code>;
    case 'null':
      return <code className="ph-const">null</code>;
    case 'never':
      return <span className="ph-muted">{t('form.never')}</span>;
    case 'json':
      return <JsonField path={path} value={value} onChange={onChange} label={props.label} />;
    case 'map':
      return <MapValue {...props} values={shape.values} />;
    case 'list':
      return <ListValue {...props} items={shape.items} max={shape.max} />;
    case 'tuple':
      return <TupleValue {...props} items={shape.items} />;
    case 'choice':
      return <ChoiceValue {...props} shape={shape} />;
    case 'object':
      if (depth >= MAX_DEPTH) return <JsonField path={path} value={value} onChange={onChange} label={props.label} />;
      if (shape.fields.length === 0) return <JsonField path={path} value={value} onChange={onChange} label={props.label} />;
      if (value === undefined && !required && (nested || shape.fields.length > 0))
        return (
          <div>
            <Button disabled={form.disabled} leftSection={<Icon name="plus" size={13} />} onClick={() => onChange(beginning(props.schema, form.root) ?? {})}>
              {t('form.set')}
            </Button>
          </div>
        );
      return <ObjectValue {...props} fields={shape.fields} removable={!required} />;
  }
}

type Common = { id: string; disabled: boolean; 'aria-invalid': true | undefined; 'aria-describedby': string | undefined };

function TextValue({ value, onChange, required, shape, common, hint, label }: BodyProps & { shape: Extract<Shape, { kind: 'text' }>; common: Common; hint: string | undefined }) {
  const text = typeof value === 'string' ? value : '';
  const set = (next: string) => onChange(next === '' && !required ? undefined : next);
  if (shape.secret) return <SecretField text={text} label={label} hint={hint} disabled={common.disabled} onChange={set} common={common} />;
  if (shape.long || text.includes('\n'))
    return <Textarea {...common} value={text} onChange={(event) => set(event.currentTarget.value)} placeholder={hint} autosize minRows={3} maxRows={18} classNames={{ input: 'ph-mono' }} spellCheck={false} />;
  return (
    <TextInput
      {...common}
      value={text}
      onChange={(event) => set(event.currentTarget.value)}
      placeholder={hint ?? (shape.format ? formatHint(shape.format) : undefined)}
      spellCheck={false}
      autoComplete="off"
    />
  );
}

function formatHint(format: string): string | undefined {
  const hints: Record<string, string> = {
    'date-time': '2026-11-22T08:00:00Z',
    date: '2026-11-22',
    time: '08:00:00Z',
    duration: 'PT5M',
    email: 'name@example.org',
    uri: 'https://…',
    url: 'https://…',
    uuid: '00000000-0000-0000-0000-000000000000',
    ipv4: '10.0.0.1',
    hostname: 'host.example.org',
  };
  return hints[format];
}

/** A number typed so that it can be read back exactly; anything else stays as text, so that validation can name it. */
function asNumber(text: string): Json | undefined {
  const clean = text.trim();
  if (clean === '') return undefined;
  if (!/^-?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(clean)) return text;
  const number = Number(clean);
  if (!Number.isFinite(number) || (/^-?\d+$/.test(clean) && !Number.isSafeInteger(number))) return text;
  return number;
}

function retyped(text: string, shape: Shape): Json | undefined {
  if (shape.kind === 'number') return asNumber(text);
  if (shape.kind === 'boolean' && (text === 'true' || text === 'false')) return text === 'true';
  return text;
}

function NumberValue({ value, onChange, shape, common, hint }: BodyProps & { shape: Extract<Shape, { kind: 'number' }>; common: Common; hint: string | undefined }) {
  const [raw, setRaw] = useState<string | null>(null);
  const range = shape.min !== null || shape.max !== null ? `${shape.min ?? '…'} – ${shape.max ?? '…'}` : undefined;
  const text = raw !== null && same(asNumber(raw) ?? null, value ?? null) ? raw : value === undefined || value === null ? '' : String(value);
  const step = (event: KeyboardEvent) => {
    if ((event.key !== 'ArrowUp' && event.key !== 'ArrowDown') || typeof (value ?? 0) !== 'number') return;
    event.preventDefault();
    const next = ((value as number | undefined) ?? 0) + (event.key === 'ArrowUp' ? 1 : -1);
    setRaw(null);
    onChange(Math.min(shape.max ?? Infinity, Math.max(shape.min ?? -Infinity, Math.round(next * 1e9) / 1e9)));
  };
  return (
    <TextInput
      {...common}
      value={text}
      inputMode={shape.whole ? 'numeric' : 'decimal'}
      onChange={(event) => {
        setRaw(event.currentTarget.value);
        onChange(asNumber(event.currentTarget.value));
      }}
      onKeyDown={step}
      placeholder={[hint, range].filter(Boolean).join('  ·  ') || undefined}
      classNames={{ input: 'ph-num' }}
      className="ph-narrow"
      autoComplete="off"
    />
  );
}

function EnumValue({ value, onChange, options, common, hint, required, label, name }: BodyProps & { options: Option[]; common: Common; hint: string | undefined }) {
  const { t } = useT();
  const form = useForm();
  const { data, at } = useMemo(() => {
    const seen = new Set<string>();
    return {
      data: options.map((option, index) => {
        // Two values may read alike (1 and "1"); Select wants labels to differ only for people, values by place.
        const text = (form.names === 'words' ? maybe(`option.${name}.${option.label}`) : null) ?? (visible(option.label) || '""');
        const shown = seen.has(text) ? `${text} (${typeof option.value})` : text;
        seen.add(text);
        return { value: String(index), label: shown };
      }),
      at: value === undefined ? -1 : options.findIndex((option) => same(option.value, value)),
    };
  }, [options, value, form.names, name]);
  return (
    <Select
      {...common}
      data={data}
      value={at < 0 ? null : String(at)}
      onChange={(next) => onChange(next === null ? undefined : options[Number(next)]!.value)}
      placeholder={hint ?? (options.length > 100 ? t('form.typeToSearch', { n: options.length }) : t('form.choose'))}
      searchable={options.length > 8}
      limit={100}
      clearable={!required}
      clearButtonProps={{ 'aria-label': t('form.clear', { name: label }) }}
      description={at >= 0 && form.names === 'code' ? options[at]?.about : undefined}
      inputWrapperOrder={['input', 'description']}
      nothingFoundMessage={t('form.noneFits')}
    />
  );
}

function ManyValue({ value, onChange, options, common, required, label }: BodyProps & { options: Option[]; common: Common }) {
  const { t } = useT();
  const chosen = Array.isArray(value) ? value : [];
  const data = options.map((option, index) => ({ value: String(index), label: visible(option.label) || '""' }));
  const places = chosen.map((item) => options.findIndex((option) => same(option.value, item))).filter((index) => index >= 0);
  return (
    <MultiSelect
      {...common}
      size="xs"
      data={data}
      value={places.map(String)}
      onChange={(next) => onChange(next.length === 0 && !required ? undefined : next.map((index) => options[Number(index)]!.value))}
      placeholder={chosen.length === 0 ? t('form.choose') : undefined}
      searchable
      limit={100}
      clearable
      clearButtonProps={{ 'aria-label': t('form.clear', { name: label }) }}
      nothingFoundMessage={t('form.noneFits')}
    />
  );
}

function ObjectValue({ path, value, onChange, fields, removable, depth, label }: BodyProps & { fields: Field[]; removable: boolean }) {
  const { t } = useT();
  const form = useForm();
  const map = isMap(value) ? value : {};
  return (
    <div className="ph-nest">
      {fields.map((field) => (
        <FieldRow
          key={field.name}
          field={field}
          path={[...path, field.name]}
          value={map[field.name]}
          depth={depth + 1}
          onChange={(next) => {
            const copy: JsonMap = { ...map };
            if (next === undefined) delete copy[field.name];
            else copy[field.name] = next;
            onChange(copy);
          }}
        />
      ))}
      {removable && !form.disabled && (
        <div>
          <Button variant="subtle" color="gray" leftSection={<Icon name="close" size={13} />} onClick={() => onChange(undefined)} aria-label={t('form.removeNamed', { name: label })}>
            {t('form.leaveOut')}
          </Button>
        </div>
      )}
    </div>
  );
}

function ListValue({ path, value, onChange, items, max, required, depth, schema: _schema, label }: BodyProps & { items: Schema; max: number | null }) {
  const form = useForm();
  const { t } = useT();
  const list = Array.isArray(value) ? value : [];
  const inner = useMemo(() => shapeOf(items, form.root), [items, form.root]);
  const simple = inner.kind === 'text' && !inner.long;
  const set = (next: Json[]) => onChange(next.length === 0 && !required ? undefined : next);
  const add = (at: number, ...values: Json[]) => set([...list.slice(0, at), ...values, ...list.slice(at)]);
  const fresh = (): Json => beginning(items, form.root) ?? (inner.kind === 'text' ? '' : inner.kind === 'number' ? 0 : inner.kind === 'object' ? {} : null);
  const full = max !== null && list.length >= max;
  const [shown, setShown] = useState(50);
  const paste = (index: number) => (event: ClipboardEvent<HTMLInputElement>) => {
    const text = event.clipboardData.getData('text/plain');
    const lines = text.split(/\r?\n/).filter((line) => line !== '');
    if (lines.length < 2 || event.currentTarget.value !== '') return;
    event.preventDefault();
    set([...list.slice(0, index), ...lines, ...list.slice(index + 1)]);
  };
  return (
    <div className="ph-list">
      {list.slice(0, shown).map((item, index) => (
        <div key={index} className={simple ? 'item line' : 'item card'}>
          <div className="ph-grow">
            {simple && typeof item === 'string' ? (
              <TextInput
                id={idOf(form.base, [...path, index])}
                aria-label={t('form.itemOf', { name: label, n: index + 1 })}
                value={item}
                disabled={form.disabled}
                error={issueAt(form, [...path, index])}
                onChange={(event) => set(list.map((old, i) => (i === index ? event.currentTarget.value : old)))}
                onPaste={paste(index)}
                onKeyDown={(event) => {
                  if (event.key !== 'Enter' || event.nativeEvent.isComposing || event.ctrlKey || event.metaKey) return;
                  event.preventDefault();
                  if (full) return;
                  add(index + 1, '');
                  const next = idOf(form.base, [...path, index + 1]);
                  requestAnimationFrame(() => document.getElementById(next)?.focus());
                }}
                classNames={{ input: 'ph-mono' }}
                spellCheck={false}
                autoComplete="off"
              />
            ) : (
              <FieldRow
                field={{ name: String(index + 1), schema: items, required: true }}
                path={[...path, index]}
                value={item}
                depth={depth + 1}
                onChange={(next) => set(list.map((old, i) => (i === index ? (next ?? null) : old)))}
              />
            )}
          </div>
          {!form.disabled && (
            <div className="ph-row acts">
              {list.length > 1 && (
                <>
                  <ActionIcon size={22} disabled={index === 0} aria-label={t('form.moveUp', { n: index + 1 })} onClick={() => set(swapped(list, index, index - 1))}>
                    <Icon name="arrowUp" size={13} />
                  </ActionIcon>
                  <ActionIcon size={22} disabled={index === list.length - 1} aria-label={t('form.moveDown', { n: index + 1 })} onClick={() => set(swapped(list, index, index + 1))}>
                    <Icon name="arrowDown" size={13} />
                  </ActionIcon>
                </>
              )}
              <ActionIcon size={22} aria-label={t('form.removeItem', { n: index + 1 })} onClick={() => set(list.filter((_, i) => i !== index))}>
                <Icon name="close" size={13} />
              </ActionIcon>
            </div>
          )}
        </div>
      ))}
      {list.length > shown && (
        <button type="button" className="ph-plain ph-link" onClick={() => setShown(shown + 200)}>
          {t('json.more', { count: list.length - shown })}
        </button>
      )}
      {!form.disabled && (
        <div>
          <Button disabled={full} leftSection={<Icon name="plus" size={13} />} onClick={() => add(list.length, fresh())} aria-label={t('form.addTo', { name: label })}>
            {t('form.add')}
          </Button>
        </div>
      )}
    </div>
  );
}

function swapped(list: Json[], one: number, two: number): Json[] {
  const copy = [...list];
  [copy[one], copy[two]] = [copy[two]!, copy[one]!];
  return copy;
}

function TupleValue({ path, value, onChange, items, depth, schema, required }: BodyProps & { items: Schema[] }) {
  const form = useForm();
  const { t } = useT();
  if (value === undefined && !required)
    return (
      <div>
        <Button disabled={form.disabled} leftSection={<Icon name="plus" size={13} />} onClick={() => onChange(beginning(schema, form.root) ?? items.map(() => null))}>
          {t('form.set')}
        </Button>
      </div>
    );
  const list = Array.isArray(value) ? value : [];
  return (
    <div className="ph-nest">
      {items.map((item, index) => (
        <FieldRow
          key={index}
          field={{ name: `[${index}]`, schema: item, required: true }}
          path={[...path, index]}
          value={list[index]}
          depth={depth + 1}
          onChange={(next) => onChange(items.map((_, i) => (i === index ? (next ?? null) : (list[i] ?? null))))}
        />
      ))}
    </div>
  );
}

function MapValue({ path, value, onChange, values, required, label }: BodyProps & { values: Schema }) {
  const form = useForm();
  const { t } = useT();
  const shape = useMemo(() => shapeOf(values, form.root), [values, form.root]);
  const map = isMap(value) ? value : {};
  // Rows are kept apart from the value: while a name is typed, two may be the same for a moment.
  const [rows, setRows] = useState<[string, Json][]>(() => Object.entries(map));
  const written = asMap(rows);
  const current = same(written, map) ? rows : Object.entries(map);
  const set = (next: [string, Json][]) => {
    setRows(next);
    const whole = asMap(next);
    onChange(Object.keys(whole).length === 0 && !required ? undefined : whole);
  };
  const names = current.map(([name]) => name);
  return (
    <div className="ph-list">
      {current.map(([name, item], index) => {
        const twice = name !== '' && names.indexOf(name) !== index;
        const issue = issueAt(form, [...path, name]);
        return (
          <div key={index} className="item line pair">
            <TextInput
              aria-label={t('form.keyOf', { name: label, n: index + 1 })}
              value={name}
              disabled={form.disabled}
              error={twice ? t('form.twice') : undefined}
              onChange={(event) => set(current.map((row, i) => (i === index ? [event.currentTarget.value, row[1]] : row)))}
              placeholder={t('form.name')}
              classNames={{ input: 'ph-mono' }}
              spellCheck={false}
              autoComplete="off"
            />
            <div className="ph-grow">
              {shape.kind === 'text' && shape.secret ? (
                <SecretField
                  text={typeof item === 'string' ? item : ''}
                  label={name || String(index + 1)}
                  disabled={form.disabled}
                  onChange={(next) => set(current.map((row, i) => (i === index ? [row[0], next] : row)))}
                  common={{ 'aria-label': t('form.valueOf', { name: name || String(index + 1) }), error: issue }}
                />
              ) : shape.kind === 'text' || shape.kind === 'number' ? (
                <TextInput
                  aria-label={t('form.valueOf', { name: name || String(index + 1) })}
                  value={item === null ? '' : String(item)}
                  disabled={form.disabled}
                  error={issue}
                  placeholder={t('form.value')}
                  onChange={(event) => {
                    const text = event.currentTarget.value;
                    set(current.map((row, i) => (i === index ? [row[0], shape.kind === 'number' ? (asNumber(text) ?? null) : text] : row)));
                  }}
                  classNames={{ input: 'ph-mono' }}
                  spellCheck={false}
                  autoComplete="off"
                />
              ) : (
                <JsonField path={[...path, name]} value={item} label={t('form.valueOf', { name })} onChange={(next) => set(current.map((row, i) => (i === index ? [row[0], next ?? null] : row)))} />
              )}
            </div>
            {!form.disabled && (
              <ActionIcon size={22} aria-label={t('form.removeNamed', { name: name || String(index + 1) })} onClick={() => set(current.filter((_, i) => i !== index))}>
                <Icon name="close" size={13} />
              </ActionIcon>
            )}
          </div>
        );
      })}
      {!form.disabled && (
        <div>
          <Button leftSection={<Icon name="plus" size={13} />} onClick={() => set([...current, ['', shape.kind === 'number' ? 0 : shape.kind === 'text' ? '' : (beginning(values, form.root) ?? null)]])} aria-label={t('form.addTo', { name: label })}>
            {t('form.add')}
          </Button>
        </div>
      )}
    </div>
  );
}

const asMap = (rows: [string, Json][]): JsonMap => Object.fromEntries(rows.filter(([name]) => name !== ''));

function ChoiceValue({ path, value, onChange, shape, required, depth, label }: BodyProps & { shape: Extract<Shape, { kind: 'choice' }> }) {
  const form = useForm();
  const { t } = useT();
  const shapes = useMemo(() => shape.branches.map((branch) => shapeOf(branch.schema, form.root)), [shape, form.root]);
  const [picked, setPicked] = useState<number | null>(null);
  const fitting = value === undefined ? -1 : fits(value, shapes);
  const at = picked !== null && (value === undefined || couldBe(value, shapes[picked]!)) ? picked : fitting;
  const branch = at >= 0 ? shape.branches[at] : undefined;
  if (depth >= MAX_DEPTH) return <JsonField path={path} value={value} onChange={onChange} label={label} />;
  return (
    <div className="ph-stack tight">
      <Select
        id={idOf(form.base, path)}
        aria-label={t('form.choiceOf', { name: label })}
        disabled={form.disabled}
        data={shape.branches.map((option, index) => ({ value: String(index), label: `${visible(option.label)}${shape.branches.filter((other) => other.label === option.label).length > 1 ? ` (${index + 1})` : ''}` }))}
        value={at < 0 ? null : String(at)}
        placeholder={t('form.choose')}
        clearable={!required}
        clearButtonProps={{ 'aria-label': t('form.clear', { name: label }) }}
        onChange={(next) => {
          if (next === null) {
            setPicked(null);
            onChange(undefined);
            return;
          }
          const index = Number(next);
          setPicked(index);
          onChange(beginning(shape.branches[index]!.schema, form.root));
        }}
      />
      {branch && (
        <div className={wrongUnder(form, path) ? 'ph-branch bad' : 'ph-branch'}>
          <FieldRow field={{ name: branch.label, schema: branch.schema, required: true }} path={path} value={value} onChange={onChange} depth={depth + 1} bare />
        </div>
      )}
    </div>
  );
}

/** The branch a value came from: the first whose outside and fixed fields agree. */
function fits(value: Json, shapes: Shape[]): number {
  const exact = shapes.findIndex((shape) => {
    if (!couldBe(value, shape)) return false;
    if (shape.kind !== 'object' || !isMap(value)) return true;
    return shape.fields.every((field) => {
      const inner = isMap(field.schema) && 'const' in field.schema ? field.schema['const']! : undefined;
      if (inner !== undefined) return value[field.name] === undefined ? !field.required : same(inner, value[field.name]!);
      return !field.required || value[field.name] !== undefined;
    });
  });
  return exact >= 0 ? exact : shapes.findIndex((shape) => couldBe(value, shape));
}

/** Any JSON, in an editor. What does not parse is not lost: it stays in the box and is marked. */
export function JsonField({ value, onChange, label }: ValueProps & { label?: string }) {
  const form = useForm();
  const { t } = useT();
  const written = value === undefined ? '' : JSON.stringify(value, null, 2);
  const [text, setText] = useState(written);
  const [wrong, setWrong] = useState<string | null>(null);
  const shown = useMemo(() => {
    try {
      const parsed = text.trim() === '' ? undefined : (JSON.parse(text) as Json);
      if (parsed === undefined ? value === undefined : value !== undefined && same(parsed, value)) return text;
    } catch {
      return text;
    }
    return written;
  }, [text, value, written]);
  return (
    <div className="ph-stack tight">
      <JsonEditor
        value={shown}
        label={label ? visible(label) : t('form.json')}
        minHeight={60}
        maxHeight={260}
        readOnly={form.disabled}
        onChange={(next) => {
          setText(next);
          if (next.trim() === '') {
            setWrong(null);
            onChange(undefined);
            return;
          }
          try {
            const parsed = JSON.parse(next) as Json;
            setWrong(null);
            onChange(parsed);
          } catch {
            setWrong(t('form.notJson'));
          }
        }}
      />
      {wrong && (
        <div className="wrong" role="alert">
          <Icon name="warn" size={13} />
          <span>{wrong}</span>
        </div>
      )}
    </div>
  );
}
