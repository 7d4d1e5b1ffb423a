/** How a protocol's schema becomes a form with headings, and which of its problems are problems. Pure. */
import { maybe } from '@/shared/i18n/t';
import { humanName } from '@/shared/lib/format';
import { isMap, type Json, type JsonMap } from '@/shared/lib/words';
import type { Group } from '@/shared/schema-form/SchemaForm';
import type { FieldWords } from '@/shared/schema-form/context';
import { resolved } from '@/shared/schema-form/shape';
import { issuesOf, type Issue, type Path, type Schema } from '@/shared/schema-form/validate';
import type { ProtocolView, ServerForm } from './api';

const AUTH = ['auth_type', 'auth_token', 'username', 'password', 'auth_headers'];
const TOOLS = ['enabled_tools', 'disabled_tools'];
const LIMITS = ['timeout', 'start_timeout', 'retry_attempts', 'retry_delay', 'max_concurrent_calls', 'requests_per_minute', 'cache_ttl'];
const NET = ['tls', 'proxy'];
/** Other ways to say where the server is, for what was configured elsewhere; an address alone is enough. */
const PARTS = ['base_url', 'host', 'port', 'path', 'secure'];
/** The predecessor's second names of the address. */
const ALIASES = ['stream_url', 'sse_url'];
const RARE = ['era', 'openapi_url', 'subprotocols', 'heartbeat', 'restart', 'limits', 'oauth', 'roots', 'client_name'];

/** The names a schema knows at its top. */
export function settingNames(schema: Schema): string[] {
  const whole = resolved(schema, schema);
  return isMap(whole) && isMap(whole['properties']) ? Object.keys(whole['properties']) : [];
}

/** Headings in the order a person fills them in; a heading that most leave alone starts closed. */
export function groupsFor(protocol: ProtocolView, title: (key: string) => string): Group[] {
  const names = settingNames(protocol.schema);
  const inside = protocol.startsProgram || protocol.id === 'local';
  // REST has no other address than its base.
  const parts = inside ? [] : PARTS.filter((name) => names.includes(name) && (name !== 'base_url' || names.includes('url')));
  const own = names.filter((name) => ![...AUTH, ...TOOLS, ...LIMITS, ...NET, ...RARE, ...parts].includes(name));
  return [
    { key: 'connection', title: title('connection'), fields: own },
    ...(parts.length > 0 ? [{ key: 'parts', title: title('parts'), fields: parts, closed: true, opensUsed: true }] : []),
    ...(inside ? [] : [{ key: 'auth', title: title('auth'), fields: AUTH }]),
    { key: 'tools', title: title('tools'), fields: TOOLS, closed: true },
    { key: 'limits', title: title('limits'), fields: LIMITS, closed: true },
    ...(inside ? [] : [{ key: 'net', title: title('net'), fields: NET, closed: true }]),
    { key: 'rest', title: title('rest'), fields: inside ? [...RARE, ...AUTH, ...NET] : RARE, closed: true },
  ];
}

/** Which sign-in fields matter for the chosen way; one that is filled in is drawn in any case. */
export function showsSetting(name: string, settings: JsonMap, inside: boolean): boolean {
  if (inside && [...AUTH, ...NET].includes(name)) return false;
  if (ALIASES.includes(name)) return false;
  const way = settings['auth_type'];
  if (name === 'auth_token') return way === 'bearer';
  if (name === 'username' || name === 'password') return way === 'basic';
  return true;
}

/** A setting's label and help in the window's language; what the schema says where we have no words. */
export function settingWords(schema: Schema, path: Path, title: string | null, about: string | null): FieldWords {
  const last = String(path.at(-1) ?? '');
  const name = last === 'base_url' && settingNames(schema).includes('url') ? 'base_url_part' : last;
  const key = [...path.slice(0, -1), name].filter((step) => typeof step === 'string' && !/^\d+$/.test(step)).join('_');
  return {
    label: maybe(`setting.${key}`) ?? maybe(`setting.${name}`) ?? title ?? humanName(name),
    help: maybe(`settingHelp.${key}`) ?? maybe(`settingHelp.${name}`) ?? about,
  };
}

const refers = (value: Json | undefined): boolean => typeof value === 'string' && value.includes('${');

function at(value: Json | undefined, path: readonly string[]): Json | undefined {
  let here = value;
  for (const step of path) here = Array.isArray(here) ? here[Number(step)] : isMap(here) ? here[step] : undefined;
  return here;
}

/** What is wrong with the settings. A `${NAME}` may stand wherever its value will fit: it is filled in when connecting. */
export function settingIssues(schema: Schema, settings: JsonMap): Issue[] {
  return issuesOf(schema, settings).filter((issue) => !refers(at(settings, issue.path)));
}

/** Empty texts and lists are the same as nothing: they would only be refused later. */
export function tidy(form: ServerForm): ServerForm {
  const settings: JsonMap = {};
  for (const [name, value] of Object.entries(form.settings)) {
    if (value === '' || value === null) continue;
    settings[name] = Array.isArray(value) && ['enabled_tools', 'disabled_tools'].includes(name) ? value.filter((item) => item !== '') : value;
  }
  return { ...form, name: form.name.trim(), settings };
}
