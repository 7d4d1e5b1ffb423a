/** The six protocols as the core describes them, for the window without a core. */
import type { Json, ProtocolView } from '../bindings';

type Props = Record<string, Json>;

const maybe = (schema: Props): Props => ({ ...schema, type: [schema['type'] as string, 'null'] });
const text = (description: string): Props => maybe({ type: 'string', description });
const secret = (description: string): Props => maybe({ type: 'string', format: 'secret', description });
const list = (description: string): Props => maybe({ type: 'array', items: { type: 'string' }, description });

const common: Props = {
  timeout: { type: 'number', default: 30, description: 'How long a request may stay without an answer or increasing progress (seconds).' },
  retry_attempts: { type: 'integer', format: 'uint32', minimum: 0, default: 3, description: 'Tries for calls that are marked read-only or idempotent.' },
  retry_delay: { type: 'number', default: 1, description: 'First pause between tries (seconds); doubles, capped.' },
  auth_type: { anyOf: [{ $ref: '#/$defs/AuthType' }, { type: 'null' }], default: null, description: 'How to authenticate.' },
  auth_token: secret('Token for `bearer`.'),
  username: text('User for `basic`.'),
  password: secret('Password for `basic`.'),
  auth_headers: { type: ['object', 'null'], additionalProperties: { type: 'string', format: 'secret' }, description: 'Headers sent with every request and handshake.' },
  enabled_tools: list('When not empty: only these tools are offered (globs allowed).'),
  disabled_tools: list('These tools are never offered (globs allowed).'),
  tls: { anyOf: [{ $ref: '#/$defs/TlsSettings' }, { type: 'null' }], description: 'Own certificates.' },
  proxy: secret("`system` (default), `none`, or a proxy's URL."),
  max_concurrent_calls: { type: ['integer', 'null'], format: 'uint32', minimum: 0, description: 'Tool calls at once; further ones wait.' },
  requests_per_minute: { type: ['integer', 'null'], format: 'uint32', minimum: 0, description: 'Calls per minute.' },
  cache_ttl: { type: ['number', 'null'], description: 'Results of read-only tools are reused for so many seconds; 0 never.' },
  start_timeout: { type: ['number', 'null'], description: 'How long a start may take (seconds).' },
};

const defs: Props = {
  AuthType: {
    description: 'How a server is authenticated to.',
    oneOf: ['none', 'bearer', 'basic', 'headers', 'oauth'].map((name) => ({ type: 'string', const: name, description: `${name}.` })),
  },
  TlsSettings: {
    type: 'object',
    additionalProperties: false,
    properties: { ca_file: text('PEM file with further roots.'), client_cert_file: text('PEM file with the client certificate chain.'), client_key_file: text('PEM file with the client key.') },
  },
  Era: { oneOf: ['auto', 'legacy', 'modern'].map((name) => ({ type: 'string', const: name })) },
};

const schema = (own: Props, required: string[] = []): Json => ({
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  type: 'object',
  properties: { ...own, ...common },
  ...(required.length > 0 ? { required } : {}),
  $defs: defs,
});

const place: Props = {
  host: text('Host, when there is no address.'),
  port: maybe({ type: 'integer', format: 'uint16', minimum: 0, maximum: 65535, description: 'Port of `host`.' }),
  path: text('Path on `host`.'),
  secure: maybe({ type: 'boolean', description: 'Whether `host` is spoken to over TLS.' }),
};
const era: Props = { era: { $ref: '#/$defs/Era', default: 'auto', description: 'Which generation of MCP to speak.' } };

export const PROTOCOLS: ProtocolView[] = [
  {
    id: 'stream_http',
    label: { en: 'Streamable HTTP', zh: '流式 HTTP' },
    about: { en: 'Remote MCP servers and large results over one address.', zh: '远程 MCP 服务器；单一地址，适合大数据量。' },
    health: { en: 'state of the stream, and ping', zh: '流状态与 ping' },
    schema: schema({ url: text('Address of the MCP endpoint.'), ...place, ...era }),
    startsProgram: false,
  },
  {
    id: 'sse',
    label: { en: 'Server-sent events', zh: 'SSE 事件流' },
    about: { en: 'Servers that push over an event stream and are posted to.', zh: '通过事件流推送、以 POST 接收请求的服务器。' },
    health: { en: 'state of the event stream', zh: '事件流连接状态' },
    schema: schema({ url: text('Address of the event stream.'), ...place }),
    startsProgram: false,
  },
  {
    id: 'websocket',
    label: { en: 'WebSocket', zh: 'WebSocket' },
    about: { en: 'Both ways at once, with a heartbeat.', zh: '双向实时通信，带心跳。' },
    health: { en: 'ping and pong', zh: 'ping/pong 心跳' },
    schema: schema({ url: text('ws:// or wss:// address.'), ...place }),
    startsProgram: false,
  },
  {
    id: 'http',
    label: { en: 'REST', zh: 'REST' },
    about: { en: 'Plain REST services, also any with an OpenAPI document.', zh: '普通 REST 服务，以及任何带 OpenAPI 文档的服务。' },
    health: { en: 'GET /health', zh: 'GET /health' },
    schema: schema({ base_url: text('Where the service is. Its path is kept in front of every request.'), ...place, openapi_url: text('An OpenAPI 3 document: its operations become the tools.') }),
    startsProgram: false,
  },
  {
    id: 'subprocess',
    label: { en: 'Program on this computer', zh: '本机程序' },
    about: { en: 'A program that speaks MCP on its standard input and output.', zh: '通过标准输入输出使用 MCP 的本机程序。' },
    health: { en: 'the process is alive', zh: '进程存活' },
    schema: schema(
      {
        command: { type: 'string', description: 'What is started.' },
        args: { type: 'array', items: { type: 'string' }, default: [], description: 'Its arguments.' },
        cwd: text('Where it runs.'),
        env: { type: 'object', additionalProperties: { type: 'string', format: 'secret' }, default: {}, description: 'Added to a minimal environment.' },
        ...era,
      },
      ['command'],
    ),
    startsProgram: true,
  },
  {
    id: 'local',
    label: { en: 'Built in', zh: '内置' },
    about: { en: 'Tools inside Pilothouse, without any wire.', zh: 'Pilothouse 内置的工具，无需通信。' },
    health: { en: 'the module is there', zh: '模块可用' },
    schema: schema({ module: text('Which tools.'), root: { type: 'string', description: 'The folder that the tools see.' } }),
    startsProgram: false,
  },
];
