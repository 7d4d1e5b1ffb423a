// Written by `make bindings` from src-tauri/crates/ipc. Do not edit.

export type Json = string | number | boolean | null | Json[] | { [key: string]: Json };
export type Words = { 
/**
 * English.
 */
en: string, 
/**
 * Simplified Chinese.
 */
zh: string, };
export type UiFault = { 
/**
 * `usage`, `not_found`, `config`, `unreachable`, `timeout`, `auth`, `denied`, `protocol`, `cancelled`, `storage`, `internal`.
 */
kind: string, 
/**
 * A stable name of the fault.
 */
code: string, 
/**
 * What was attempted, on what, and why not.
 */
message: Words, 
/**
 * What can be done about it; empty when nothing can.
 */
hint: Words, 
/**
 * The facts.
 */
params: Json, 
/**
 * The audit reference, to be quoted.
 */
reference: string | null, };
export type Tag = "servers" | "tools" | "activity" | "questions" | "settings" | "metrics" | "templates" | "vault" | "clusters" | "changes" | "drafts" | "forwards";
export type Nothing = Record<symbol, never>;
export type IdReq = { 
/**
 * The id.
 */
id: string, };
export type Boot = { 
/**
 * Version of the app.
 */
version: string, 
/**
 * `linux`, `macos`, `windows`.
 */
platform: string, 
/**
 * The OS user, as audit rows name them.
 */
user: string, 
/**
 * Where data is kept.
 */
dataDir: string, 
/**
 * Saved preferences (`theme`: system | light | dark, `lang`: en | zh, and the window's own).
 */
prefs: Record<string, Json>, 
/**
 * What can be connected over.
 */
protocols: Array<ProtocolView>, 
/**
 * What the person must be told before they go on: that the store could not be read.
 */
notice: NoticeView | null, };
export type NoticeView = { 
/**
 * What happened, and what was kept where.
 */
message: Words, 
/**
 * What can be done about it.
 */
hint: Words, };
export type ProtocolView = { 
/**
 * Its id.
 */
id: string, 
/**
 * Its name.
 */
label: Words, 
/**
 * When to take it.
 */
about: Words, 
/**
 * How its health is checked.
 */
health: Words, 
/**
 * JSON Schema (2020-12) of its settings; `format: "secret"` is a password box.
 */
schema: Json, 
/**
 * Whether connecting starts a program.
 */
startsProgram: boolean, };
export type PrefReq = { 
/**
 * Its name.
 */
key: string, 
/**
 * Its value.
 */
value: Json, };
export type PageReq = { 
/**
 * An https URL.
 */
url: string, };
export type TextRes = { 
/**
 * The text.
 */
text: string, };
export type PickRes = { 
/**
 * Nothing when they closed the dialog.
 */
path: string | null, };
export type UiEvent = { "event": "changed", 
/**
 * Which.
 */
tags: Array<Tag>, } | { "event": "server_state", 
/**
 * Which server.
 */
id: string, 
/**
 * The word, as in [`crate::servers::ServerView::state`].
 */
state: string, } | { "event": "question", 
/**
 * The question.
 */
question: QuestionView, } | { "event": "question_gone", 
/**
 * Which.
 */
id: string, };
export type ServerView = { 
/**
 * Its id.
 */
id: string, 
/**
 * Its name.
 */
name: string, 
/**
 * Its protocol's id.
 */
protocol: string, 
/**
 * Whether it may be used.
 */
enabled: boolean, 
/**
 * `disconnected`, `connecting`, `connected`, `degraded`, `error`, `needs_review`, `disabled`.
 */
state: string, 
/**
 * Since when (ms).
 */
since: number, 
/**
 * Why it is degraded or failed.
 */
fault: UiFault | null, 
/**
 * When the next try is due (ms).
 */
nextTryAt: number | null, 
/**
 * What is reached or started, without credentials.
 */
target: string, 
/**
 * Tools that are offered.
 */
tools: number, 
/**
 * Tools that are held back because their definition changed.
 */
quarantined: number, 
/**
 * Whether the tools are from the last session, not from this one.
 */
stale: boolean, 
/**
 * The last latencies (ms, oldest first), at most 32.
 */
spark: Array<number>, 
/**
 * Median latency (ms) over the last 15 minutes.
 */
p50Ms: number | null, 
/**
 * 95th percentile (ms) over the last 15 minutes.
 */
p95Ms: number | null, 
/**
 * Calls over the last 15 minutes.
 */
calls: number, 
/**
 * Failed calls over the last 15 minutes.
 */
errors: number, 
/**
 * `window`, `cli`, `import:…`, `built-in`.
 */
origin: string, };
export type ServerForm = { 
/**
 * None for a new one.
 */
id: string | null, 
/**
 * Its name.
 */
name: string, 
/**
 * Its protocol's id.
 */
protocol: string, 
/**
 * Whether it may be used.
 */
enabled: boolean, 
/**
 * Common and own settings together, as the protocol's schema says.
 */
settings: Record<string, Json>, 
/**
 * Connect at the first use.
 */
lazy: boolean, 
/**
 * Let go after so many idle seconds; 0 never.
 */
idleStopSecs: number, };
export type ServerDetail = { 
/**
 * As in the list.
 */
view: ServerView, 
/**
 * As it is edited.
 */
form: ServerForm, 
/**
 * What the session found out.
 */
facts: FactsView | null, 
/**
 * Listed tools that cannot be used, and why.
 */
rejected: Array<RejectedView>, 
/**
 * What waits for review, exactly.
 */
review: string | null, 
/**
 * Figures over 1 minute, 15 minutes, 24 hours.
 */
figures: Array<FiguresView>, };
export type FactsView = { 
/**
 * The peer's own name.
 */
name: string, 
/**
 * The peer's own version.
 */
version: string, 
/**
 * The agreed revision or dialect.
 */
revision: string, 
/**
 * Abilities by name.
 */
abilities: Array<string>, 
/**
 * Instructions for models; shown, not obeyed.
 */
instructions: string | null, 
/**
 * Process id.
 */
pid: number | null, };
export type RejectedView = { 
/**
 * Its name.
 */
name: string, 
/**
 * Why.
 */
reason: string, };
export type FiguresView = { 
/**
 * Length of the window (s): 60, 900, 86400.
 */
windowSecs: number, 
/**
 * The tool; none for the whole server.
 */
tool: string | null, 
/**
 * Finished calls.
 */
calls: number, 
/**
 * Failed ones by code.
 */
errors: { [key in string]: number }, 
/**
 * Median (ms).
 */
p50Ms: number | null, 
/**
 * 95th percentile (ms).
 */
p95Ms: number | null, 
/**
 * 99th percentile (ms).
 */
p99Ms: number | null, 
/**
 * Bytes sent.
 */
bytesOut: number, 
/**
 * Bytes received.
 */
bytesIn: number, 
/**
 * Calls per second.
 */
perSecond: number, };
export type EnableReq = { 
/**
 * Which.
 */
id: string, 
/**
 * On?
 */
enabled: boolean, };
export type TargetRes = { 
/**
 * An URL without credentials, or the exact argv.
 */
target: string, };
export type TestReq = { 
/**
 * The form.
 */
form: ServerForm, 
/**
 * The target that the person agreed to start.
 */
consent: string | null, };
export type TestRes = { 
/**
 * Whether it connected and listed.
 */
ok: boolean, 
/**
 * What was reached or started.
 */
target: string, 
/**
 * Why not.
 */
fault: UiFault | null, 
/**
 * The tools' names.
 */
tools: Array<string>, 
/**
 * What was found out.
 */
facts: FactsView | null, 
/**
 * How long it took (ms).
 */
elapsedMs: number, 
/**
 * Last stderr lines, when a program was started.
 */
stderr: string | null, };
export type FrameView = { 
/**
 * Place in the log.
 */
seq: number, 
/**
 * When (ms).
 */
at: number, 
/**
 * Whether we sent it.
 */
sent: boolean, 
/**
 * `json`, `stderr`, `noise`, `http`, `note`.
 */
kind: string, 
/**
 * The text.
 */
text: string, };
export type LogRes = { 
/**
 * Wire frames, oldest first.
 */
frames: Array<FrameView>, 
/**
 * The last stderr text.
 */
stderr: string, };
export type TemplateView = { 
/**
 * Its id.
 */
id: string, 
/**
 * Its name.
 */
name: Words, 
/**
 * What it is for.
 */
about: Words, 
/**
 * `kubernetes`, `ssh`, `streaming`, `local`, `filesystem`, `mine`.
 */
category: string, 
/**
 * Search words.
 */
tags: Array<string>, 
/**
 * The protocol it uses.
 */
protocol: string, 
/**
 * Whether it came with the app.
 */
builtIn: boolean, 
/**
 * The form it fills.
 */
form: ServerForm, 
/**
 * What a person should know before using it.
 */
note: Words | null, };
export type TemplateSaveReq = { 
/**
 * The server.
 */
server: string, 
/**
 * The template's name.
 */
name: string, };
export type ImportReq = { 
/**
 * The text.
 */
text: string, 
/**
 * Where it came from, for messages and for the servers' origin.
 */
source: string, 
/**
 * When applying: names of the servers to take; all when empty.
 */
take: Array<string>, };
export type ImportPreview = { 
/**
 * What the text was recognised as.
 */
format: Words, 
/**
 * Server by server.
 */
items: Array<ImportItem>, 
/**
 * What a person should know.
 */
warnings: Array<Words>, };
export type ImportItem = { 
/**
 * Its name.
 */
name: string, 
/**
 * Its protocol.
 */
protocol: string, 
/**
 * `add`, `change`, `same`, `refused`.
 */
action: string, 
/**
 * What would be reached or started, exactly.
 */
target: string, 
/**
 * Whether a program would run once accepted.
 */
startsProgram: boolean, 
/**
 * Changed fields: name, before, after (secrets masked).
 */
changes: Array<ImportChange>, 
/**
 * Why it is refused.
 */
fault: UiFault | null, 
/**
 * Variables that are not set now.
 */
unset: Array<string>, };
export type ImportChange = { 
/**
 * Which.
 */
field: string, 
/**
 * As it is.
 */
before: string, 
/**
 * As it would be.
 */
after: string, };
export type ImportDone = { 
/**
 * Added servers.
 */
added: Array<string>, 
/**
 * Changed servers.
 */
changed: Array<string>, };
export type ExportReq = { 
/**
 * `mcp_config` or `mcp_servers`.
 */
format: string, 
/**
 * Ids; all when empty.
 */
ids: Array<string>, };
export type FiguresReq = { 
/**
 * Length of the window (s).
 */
windowSecs: number, 
/**
 * Also by tool.
 */
byTool: boolean, 
/**
 * Only this server.
 */
server: string | null, };
export type ToolView = { 
/**
 * The server's id.
 */
server: string, 
/**
 * The server's name.
 */
serverName: string, 
/**
 * The tool's name.
 */
name: string, 
/**
 * A title for people.
 */
title: string | null, 
/**
 * The first line of its description, with odd characters shown as escapes.
 */
summary: string, 
/**
 * `safe`, `low`, `medium`, `high`.
 */
risk: string, 
/**
 * Whether it is held back because its definition changed.
 */
quarantined: boolean, 
/**
 * Whether it is from the last session.
 */
stale: boolean, };
export type ToolReq = { 
/**
 * The server's id.
 */
server: string, 
/**
 * The tool's name.
 */
tool: string, };
export type ToolDetail = { 
/**
 * As in the list.
 */
view: ToolView, 
/**
 * The whole description, with odd characters shown as escapes.
 */
description: string, 
/**
 * JSON Schema of the arguments.
 */
inputSchema: Json, 
/**
 * JSON Schema of the structured result.
 */
outputSchema: Json | null, 
/**
 * The server's own claims.
 */
annotations: Json, 
/**
 * Why the risk is what it is.
 */
riskReason: Words, 
/**
 * What this window's policy does with it: `allow`, `ask`, `deny`.
 */
verdict: string, 
/**
 * The rule that says so.
 */
rule: string, 
/**
 * The accepted definition, when it differs.
 */
accepted: Json | null, 
/**
 * Arguments that the configuration fills in.
 */
defaultParameters: Record<string, Json>, };
export type ToolCallReq = { 
/**
 * The server's id.
 */
server: string, 
/**
 * The tool's name.
 */
tool: string, 
/**
 * The arguments.
 */
args: Record<string, Json>, 
/**
 * The window's own handle (a UUID), for Cancel.
 */
callId: string, 
/**
 * Patience (s) other than the server's.
 */
timeout: number | null, };
export type ToolCallEvent = { "type": "progress", 
/**
 * Done.
 */
progress: number, 
/**
 * Of so much.
 */
total: number | null, 
/**
 * In the server's words.
 */
message: string | null, } | { "type": "chunk", 
/**
 * The piece.
 */
data: Json, } | { "type": "log", 
/**
 * Level.
 */
level: string, 
/**
 * What it says.
 */
data: Json, };
export type CallDone = { 
/**
 * Whether the tool says that it failed.
 */
isError: boolean, 
/**
 * MCP content blocks.
 */
content: Json[], 
/**
 * The structured result.
 */
structuredContent: Json | null, 
/**
 * The reference.
 */
auditId: string, 
/**
 * How long it took (ms).
 */
elapsedMs: number, 
/**
 * Why the result does not fit the tool's output schema, when it does not.
 */
misfit: string | null, 
/**
 * Whether it came from the result cache.
 */
cached: boolean, };
export type PastCallView = { 
/**
 * The reference.
 */
auditId: string, 
/**
 * When it ended (ms).
 */
at: number, 
/**
 * The server's id.
 */
server: string, 
/**
 * The tool.
 */
tool: string, 
/**
 * The arguments, redacted.
 */
args: Record<string, Json>, 
/**
 * The result or the fault, redacted.
 */
result: Json, 
/**
 * Whether it went well.
 */
ok: boolean, 
/**
 * How long it took (ms).
 */
elapsedMs: number, };
export type HistoryReq = { 
/**
 * Only this server.
 */
server: string | null, 
/**
 * Only this tool.
 */
tool: string | null, 
/**
 * At most so many.
 */
limit: number, };
export type CommandReq = { 
/**
 * The server's id.
 */
server: string, 
/**
 * The tool's name.
 */
tool: string, 
/**
 * The arguments.
 */
args: Record<string, Json>, };
export type CommandRes = { 
/**
 * A `pilot call …` line.
 */
pilot: string, 
/**
 * A `curl` line, for protocols where one request does it; secrets stand as `${NAME}`.
 */
curl: string | null, };
export type OffersRes = { 
/**
 * MCP `Resource[]`.
 */
resources: Json[], 
/**
 * MCP `ResourceTemplate[]`.
 */
templates: Json[], 
/**
 * MCP `Prompt[]`.
 */
prompts: Json[], 
/**
 * What could not be listed.
 */
faults: Array<UiFault>, };
export type ConsentView = { 
/**
 * The program's file.
 */
program: string, 
/**
 * SHA-256 of it when it was spoken of, in hex.
 */
sha256: string, 
/**
 * The cluster's name; none for all clusters.
 */
cluster: string | null, 
/**
 * The cluster's id; none for all clusters.
 */
clusterId: string | null, 
/**
 * `once`, `until`, `always`, `deny`.
 */
answer: string, 
/**
 * The end of `until` (ms).
 */
until: number | null, 
/**
 * When it was said (ms).
 */
at: number, 
/**
 * When the program last got a credential there since then (ms).
 */
lastUsed: number | null, };
export type ConsentForgetReq = { 
/**
 * The program's file.
 */
program: string, 
/**
 * The cluster's id; none for what was said for all clusters.
 */
clusterId: string | null, };
export type ResourceReq = { 
/**
 * The server's id.
 */
server: string, 
/**
 * The resource.
 */
uri: string, };
export type PromptReq = { 
/**
 * The server's id.
 */
server: string, 
/**
 * The prompt.
 */
name: string, 
/**
 * Its arguments.
 */
args: Record<string, Json>, };
export type JsonRes = { 
/**
 * The JSON.
 */
json: Json, };
export type ActivityRow = { 
/**
 * Place of the first audit row.
 */
seq: number, 
/**
 * The reference.
 */
id: string, 
/**
 * When it began (ms).
 */
at: number, 
/**
 * `window`, `cli`, `assistant`, `relay`.
 */
door: string, 
/**
 * Who.
 */
actor: string, 
/**
 * The server's name; empty when it is about none.
 */
server: string, 
/**
 * The tool, or the note's word.
 */
what: string, 
/**
 * `call` or `note`.
 */
kind: string, 
/**
 * `running`, `done`, `tool_error`, `fault`, `cancelled`, `interrupted`, `refused`, `note`.
 */
ending: string, 
/**
 * Code of the fault.
 */
code: string | null, 
/**
 * The tool's risk.
 */
risk: string | null, 
/**
 * The rule that decided.
 */
rule: string | null, 
/**
 * Names and types of the arguments, or the note's facts.
 */
detail: Json, 
/**
 * Keyed hash of the arguments.
 */
argsHash: string | null, 
/**
 * Size of the result.
 */
bytes: number | null, 
/**
 * How long it took (ms).
 */
elapsedMs: number | null, 
/**
 * MAC of the first row (hex).
 */
mac: string, };
export type ActivityReq = { 
/**
 * Text in server, tool, reference, actor or rule.
 */
text: string | null, 
/**
 * Only this ending.
 */
ending: string | null, 
/**
 * Only this server's id.
 */
server: string | null, 
/**
 * Only from then on (ms).
 */
from: number | null, 
/**
 * Only until then (ms).
 */
until: number | null, 
/**
 * Only rows before this place.
 */
before: number | null, 
/**
 * At most so many.
 */
limit: number, };
export type VerifyRes = { 
/**
 * Whether the chain holds.
 */
ok: boolean, 
/**
 * Rows read.
 */
rows: number, 
/**
 * The first bad one.
 */
firstBad: number | null, 
/**
 * `changed`, `removed`, `reordered`, `inserted`, `truncated`, `replaced`.
 */
why: string | null, };
export type QuestionView = { 
/**
 * Its handle.
 */
id: string, 
/**
 * The server's id.
 */
server: string, 
/**
 * The server's name.
 */
serverName: string, 
/**
 * What is asked.
 */
matter: { kind: 'call', call: string, tool: string, risk: string, args: Json, rule: string, by: string, preview: string | null } | { kind: 'start', what: string, program: { cwd: string | null, variables: string[] } | null, warnings: Words[] } | { kind: 'tool_changed', before: Json, after: Json } | { kind: 'form', message: string, schema: Json } | { kind: 'visit', message: string, url: string } | { kind: 'sample', request: Json } | { kind: 'sign_in', host: string, url: string } | { kind: 'credential', program: string, sha256: string, cluster: string, clusterName: string, apiServer: string }, 
/**
 * When it was asked (ms).
 */
askedAt: number, 
/**
 * When it counts as refused (ms).
 */
expiresAt: number, };
export type AnswerReq = { 
/**
 * The question.
 */
id: string, 
/**
 * The answer.
 */
answer: { answer: 'yes', scope: 'once' | 'quarter' | 'session' | 'always' } | { answer: 'no', reason: string } | { answer: 'data', data: Json }, };
export type RuleView = { 
/**
 * Shown wherever the rule decides.
 */
id: string, 
/**
 * `window`, `cli`, `assistant`, `relay`.
 */
door: string | null, 
/**
 * `safe`, `low`, `medium`, `high`.
 */
risk: string | null, 
/**
 * Glob over server names.
 */
server: string | null, 
/**
 * Glob over tool names.
 */
tool: string | null, 
/**
 * `allow`, `ask`, `deny`.
 */
verdict: string, };
export type RiskView = { 
/**
 * Glob over server names.
 */
server: string, 
/**
 * Glob over tool names.
 */
tool: string, 
/**
 * `safe`, `low`, `medium`, `high`.
 */
risk: string, };
export type PolicyView = { 
/**
 * The first that fits decides.
 */
rules: Array<RuleView>, 
/**
 * Own words on risks; the first that fits counts.
 */
risks: Array<RiskView>, 
/**
 * What happens where no rule fits: door, risk, verdict.
 */
defaults: Array<DefaultView>, };
export type DefaultView = { 
/**
 * The door.
 */
door: string, 
/**
 * The risk.
 */
risk: string, 
/**
 * `allow`, `ask`, `deny`.
 */
verdict: string, };
export type VaultView = { 
/**
 * `unlocked`, `locked`, `absent`, `key_missing`, `corrupt`.
 */
state: string, 
/**
 * How its key is kept: `keyring`, `passphrase`, `session`. None where nobody chose, or the key is gone.
 */
kind: string | null, 
/**
 * How many secrets cannot be opened, when the key is missing.
 */
unreadable: number, };
export type SecretView = { 
/**
 * Its id.
 */
id: string, 
/**
 * `server`, `oauth`, `cluster`, `kubeconfig`, `person`.
 */
ownerKind: string, 
/**
 * Which one.
 */
ownerId: string, 
/**
 * The name that a person knows it by; the id where there is none.
 */
ownerName: string, 
/**
 * Which of its fields.
 */
field: string, 
/**
 * `token`, `password`, `key`, `sign_in`, `file`, `other`.
 */
kind: string, 
/**
 * Whether a value is there.
 */
present: boolean, 
/**
 * Value last replaced (ms).
 */
updatedAt: number, 
/**
 * When it stops being of use (ms).
 */
expiresAt: number | null, 
/**
 * Last opened (ms).
 */
lastUsed: number | null, };
export type UnlockReq = { 
/**
 * The passphrase of a passphrase vault.
 */
passphrase: string | null, };
export type SettleReq = { 
/**
 * `keyring`, `passphrase`, `session`.
 */
kind: string, 
/**
 * For a passphrase vault.
 */
passphrase: string | null, };
export type RotateReq = { 
/**
 * Whether every secret is sealed anew as well.
 */
deep: boolean, 
/**
 * The new passphrase of a passphrase vault.
 */
passphrase: string | null, };
export type KitReq = { 
/**
 * The passphrase.
 */
passphrase: string, };
export type SecretSetReq = { 
/**
 * `server`, `oauth`, `cluster`, `kubeconfig`, `person`.
 */
ownerKind: string, 
/**
 * Which one.
 */
ownerId: string, 
/**
 * Which of its fields.
 */
field: string, 
/**
 * The value.
 */
value: string, };
export type WipeRes = { 
/**
 * What cannot be promised.
 */
notes: Array<Words>, };
export type ClustersView = { 
/**
 * Whether nobody gets credentials of any cluster.
 */
locked: boolean, 
/**
 * All, by name.
 */
clusters: Array<ClusterView>, };
export type ClusterView = { 
/**
 * Its id.
 */
id: string, 
/**
 * Its name.
 */
name: string, 
/**
 * The API server's URL.
 */
server: string, 
/**
 * `anonymous`, `client_certificate`, `token`, `token_file`, `basic`, `exec`, `oidc`.
 */
auth: string, 
/**
 * When its credential stops being of use (ms).
 */
expiresAt: number | null, 
/**
 * Whether the server's certificate goes unchecked.
 */
insecure: boolean, 
/**
 * The kubeconfig that it came from; none for pasted text.
 */
file: string | null, 
/**
 * Whether that file calls our helper instead of holding the secret.
 */
rewritten: boolean, 
/**
 * When somebody used it last (ms).
 */
lastUsed: number | null, 
/**
 * Who that was: a program's name, `pilot`, `Pilothouse`.
 */
lastUsedBy: string | null, 
/**
 * That program's file.
 */
lastUsedProgram: string | null, 
/**
 * Whether nothing may be changed there.
 */
readOnly: boolean, 
/**
 * Its colour: what a person chose, else red for production.
 */
colour: string | null, 
/**
 * What is known of its answer.
 */
reach: ReachView, 
/**
 * Last change (ms).
 */
updatedAt: number, };
export type ReachView = { 
/**
 * `unknown`, `checking`, `reachable`, `failed`, `locked`.
 */
state: string, 
/**
 * When that was found out (ms).
 */
checkedAt: number | null, 
/**
 * Its version, as it said last.
 */
version: string | null, 
/**
 * Its platform, as it said last.
 */
platform: string | null, 
/**
 * Whom it took us for.
 */
user: string | null, 
/**
 * That user's groups.
 */
groups: Array<string>, 
/**
 * How long credential and answers took then (ms).
 */
latencyMs: number | null, 
/**
 * When it said so (ms).
 */
seenAt: number | null, 
/**
 * Why it does not answer.
 */
fault: UiFault | null, };
export type ClusterCheckReq = { 
/**
 * Which.
 */
ids: Array<string>, };
export type ClusterSetReq = { 
/**
 * Which.
 */
id: string, 
/**
 * Another name.
 */
name: string | null, 
/**
 * A colour's name; empty for none.
 */
colour: string | null, 
/**
 * Another namespace; empty for the usual one.
 */
namespace: string | null, 
/**
 * Whether nothing may be changed there.
 */
readOnly: boolean | null, 
/**
 * Whether its certificate goes unchecked.
 */
insecure: boolean | null, 
/**
 * The cluster's name as it was typed, when the certificate shall go unchecked.
 */
typed: string | null, 
/**
 * The authorities that sign its certificate (PEM); empty for the system's.
 */
authorities: string | null, 
/**
 * What was shown of its program ([`PluginView::trust`]), to let it run; empty to forbid it.
 */
trust: string | null, };
export type PluginView = { 
/**
 * The program's file, every link resolved.
 */
program: string, 
/**
 * SHA-256 of that file, in hex.
 */
sha256: string, 
/**
 * What a yes is bound to.
 */
trust: string, 
/**
 * What is odd about it.
 */
warnings: Array<Words>, };
export type ClusterDetail = { 
/**
 * As in the list.
 */
view: ClusterView, 
/**
 * The context's name in its kubeconfig.
 */
context: string | null, 
/**
 * The user's name there.
 */
user: string | null, 
/**
 * The program that prints its credential.
 */
exec: ExecView | null, 
/**
 * Whether that program may be run.
 */
trusted: boolean, 
/**
 * The issuer, with OIDC.
 */
issuer: string | null, 
/**
 * The file that its token came from.
 */
tokenFile: string | null, 
/**
 * Whether that file is read again when it changes.
 */
follows: boolean, 
/**
 * SHA-256 of each authority's certificate, in hex; empty for the system's authorities.
 */
caSha256: Array<string>, 
/**
 * The name to expect in the certificate.
 */
tlsServerName: string | null, 
/**
 * The proxy, without user information.
 */
proxy: string | null, 
/**
 * The context's namespace.
 */
namespace: string | null, 
/**
 * As whom requests are made.
 */
impersonate: string | null, };
export type ExecView = { 
/**
 * Exactly what is run.
 */
argv: Array<string>, 
/**
 * The names of its variables.
 */
envNames: Array<string>, 
/**
 * The folder that a relative command is meant from.
 */
folder: string | null, };
export type KubeconfigView = { 
/**
 * Where.
 */
path: string, 
/**
 * Its size.
 */
bytes: number, 
/**
 * Last change (ms).
 */
changedAt: number | null, };
export type ReviewReq = { 
/**
 * Files; empty with text.
 */
files: Array<string>, 
/**
 * Text of a kubeconfig.
 */
text: string | null, };
export type ReviewView = { 
/**
 * Names what was looked at, for the import.
 */
id: string, 
/**
 * The files that were read.
 */
files: Array<ReviewFileView>, 
/**
 * The context that `kubectl` uses now.
 */
current: string | null, 
/**
 * Every context.
 */
contexts: Array<ContextView>, };
export type ReviewFileView = { 
/**
 * As it was named.
 */
path: string, 
/**
 * Where it leads, when it is a link.
 */
target: string | null, 
/**
 * Its size.
 */
bytes: number, };
export type ContextView = { 
/**
 * Its name.
 */
context: string, 
/**
 * The cluster that it means.
 */
cluster: string, 
/**
 * The user that it means.
 */
user: string, 
/**
 * The file that it stands in; empty for pasted text.
 */
file: string, 
/**
 * The file that the user stands in, when it is another.
 */
userFile: string, 
/**
 * Its namespace.
 */
namespace: string | null, 
/**
 * The API server.
 */
server: string, 
/**
 * `loopback`, `private`, `link_local`, `public`, `name`, `other`.
 */
hostClass: string, 
/**
 * Whether the way there is not encrypted.
 */
plainHttp: boolean, 
/**
 * SHA-256 of each authority's certificate, in hex.
 */
caSha256: Array<string>, 
/**
 * The file that holds the authorities.
 */
caFile: string | null, 
/**
 * Whether the file wants the certificate unchecked.
 */
skipVerify: boolean, 
/**
 * The name that is expected in the certificate.
 */
tlsServerName: string | null, 
/**
 * The proxy.
 */
proxy: string | null, 
/**
 * Whether the proxy is given a name and a password.
 */
proxyCredentials: boolean, 
/**
 * As in [`ClusterView::auth`], or `auth_provider`, or `pilot` for our own stanza.
 */
auth: string, 
/**
 * The program that would be run.
 */
exec: ExecView | null, 
/**
 * The sign-in of our own that can take its place.
 */
signIn: SignInOfferView | null, 
/**
 * The issuer, with OIDC.
 */
issuer: string | null, 
/**
 * Files that an import would read.
 */
reads: Array<string>, 
/**
 * As whom requests would be made.
 */
impersonate: string | null, 
/**
 * What a person should know.
 */
warnings: Array<Words>, 
/**
 * Why it cannot be imported at all.
 */
refused: Words | null, 
/**
 * The cluster that it already is here.
 */
known: string | null, };
export type ClusterImportReq = { 
/**
 * What was looked at.
 */
review: string, 
/**
 * The contexts to take.
 */
take: Array<string>, 
/**
 * Those among them whose program may be run from now on.
 */
trust: Array<string>, 
/**
 * Those among them whose token's file is read again when it changes.
 */
follow: Array<string>, 
/**
 * Those among them that sign in here instead of running their program.
 */
sign: Array<string>, 
/**
 * Whether the files call our helper from now on.
 */
rewrite: boolean, };
export type ClusterImportRes = { 
/**
 * Taken.
 */
clusters: Array<ImportedView>, 
/**
 * Not taken, or not rewritten.
 */
refused: Array<RefusedView>, 
/**
 * Files that were rewritten.
 */
files: Array<string>, };
export type ImportedView = { 
/**
 * The cluster's id.
 */
id: string, 
/**
 * The context's name.
 */
context: string, 
/**
 * The API server.
 */
server: string, 
/**
 * As in [`ClusterView::auth`].
 */
auth: string, 
/**
 * Whether its file calls our helper now.
 */
rewritten: boolean, };
export type RefusedView = { 
/**
 * Its name.
 */
context: string, 
/**
 * Why, and what can be done.
 */
reason: Words, };
export type ClusterRemoveReq = { 
/**
 * Which.
 */
id: string, 
/**
 * Even when its kubeconfig calls our helper for it.
 */
anyway: boolean, };
export type RestoreReq = { 
/**
 * Which.
 */
file: string, 
/**
 * Even when it was changed since it was rewritten.
 */
anyway: boolean, };
export type FilesReq = { 
/**
 * Which.
 */
files: Array<string>, };
export type FindingsView = { 
/**
 * Whether none is.
 */
ok: boolean, 
/**
 * What was found.
 */
findings: Array<FindingView>, };
export type FindingView = { 
/**
 * Where.
 */
file: string, 
/**
 * On which line, from 1; 0 when the file has no lines.
 */
line: number, 
/**
 * What it is.
 */
kind: string, };
export type ClusterLoginReq = { 
/**
 * The cluster.
 */
id: string, 
/**
 * Whether a code is typed on any device, instead of a browser on this machine.
 */
device: boolean, };
export type LoginStepView = { "kind": "page", 
/**
 * Its address.
 */
url: string, 
/**
 * Whether it was handed to the browser.
 */
opened: boolean, } | { "kind": "code", 
/**
 * Where.
 */
page: string, 
/**
 * The same with the code in it.
 */
pageWithCode: string | null, 
/**
 * The code.
 */
code: string, 
/**
 * Until then it counts (ms).
 */
expiresAt: number, };
export type LoggedInView = { 
/**
 * Whom the issuer named.
 */
user: string, 
/**
 * When the id token ends (ms).
 */
expiresAt: number, 
/**
 * Whether it is renewed without the person.
 */
renews: boolean, };
export type LoggedOutView = { 
/**
 * What became of the tokens at the issuer: `nothing`, `done`, `not_offered`, `failed`.
 */
revoked: string, 
/**
 * Why it failed.
 */
why: Words | null, };
export type SignInView = { 
/**
 * The issuer.
 */
issuer: string, 
/**
 * Whom it named.
 */
user: string | null, 
/**
 * When the id token ends (ms).
 */
expiresAt: number | null, 
/**
 * Whether it is renewed without the person.
 */
renews: boolean, 
/**
 * Whether a person has to sign in.
 */
needed: boolean, };
export type SignInOfferView = { 
/**
 * The issuer.
 */
issuer: string, 
/**
 * The client's id.
 */
clientId: string, 
/**
 * Scopes beyond `openid`.
 */
scopes: Array<string>, };
export type KubeUsageReq = { 
/**
 * The cluster's id.
 */
cluster: string, 
/**
 * Of the pods in this namespace; of the nodes when none is named.
 */
namespace: string | null, 
/**
 * A label selector for pods.
 */
labels: string | null, 
/**
 * Names this question, so that it can be given up.
 */
ask: string, };
export type KubeUsageView = { 
/**
 * Its name.
 */
name: string, 
/**
 * Cores.
 */
cpuCores: number, 
/**
 * Bytes.
 */
memoryBytes: number, 
/**
 * When it was measured (RFC 3339).
 */
at: string | null, };
export type KubeKindsReq = { 
/**
 * The cluster's id.
 */
cluster: string, 
/**
 * Names this question, so that it can be given up.
 */
ask: string, };
export type KubeKindsView = { 
/**
 * All that are known, in the server's order.
 */
kinds: Array<KubeKindView>, 
/**
 * Groups that the server names and could not tell of.
 */
missing: Array<KubeMissingView>, };
export type KubeKindView = { 
/**
 * As one asks for it: `pods`, `deployments.apps`.
 */
name: string, 
/**
 * `Deployment`.
 */
kind: string, 
/**
 * Its group; empty for the core.
 */
group: string, 
/**
 * `apps/v1`.
 */
apiVersion: string, 
/**
 * `deploy`.
 */
shortNames: Array<string>, 
/**
 * Whether its objects are in namespaces.
 */
namespaced: boolean, 
/**
 * Whether it can be listed at all.
 */
listed: boolean, 
/**
 * Whether its objects can be changed at all.
 */
patched: boolean, };
export type KubeMissingView = { 
/**
 * `metrics.k8s.io/v1beta1`.
 */
apiVersion: string, 
/**
 * Why.
 */
why: Words, };
export type KubeTableReq = { 
/**
 * The cluster's id.
 */
cluster: string, 
/**
 * The kind, as in [`KubeKindView::name`].
 */
kind: string, 
/**
 * Where; everywhere when none is named. Of no matter for a kind without namespaces.
 */
namespace: string | null, 
/**
 * A field selector.
 */
fields: string | null, 
/**
 * A label selector.
 */
labels?: string | null, 
/**
 * Names this question, so that it can be given up.
 */
ask: string, };
export type KubeTablePart = { "part": "head", 
/**
 * The kind.
 */
kind: KubeKindView, 
/**
 * The columns.
 */
columns: Array<KubeColumnView>, } | { "part": "rows", 
/**
 * The rows.
 */
rows: Array<KubeRowView>, } | { "part": "again", 
/**
 * The namespace.
 */
namespace: string | null, } | { "part": "note", 
/**
 * What.
 */
note: Words, };
export type KubeTableRes = { 
/**
 * How many pieces there were: the last of them may come in after this answer.
 */
parts: number, 
/**
 * Where a watch goes on from; none when the cluster does not say.
 */
place: string | null, };
export type KubeColumnView = { 
/**
 * Its heading.
 */
name: string, 
/**
 * `string`, `integer`, `number`, `boolean`, `date`.
 */
kind: string, 
/**
 * `name` for the object's name.
 */
format: string, 
/**
 * What it says.
 */
description: string, 
/**
 * 0 is always shown, more only in a wide table.
 */
priority: number, };
export type KubeRowView = { 
/**
 * The object's namespace.
 */
namespace: string | null, 
/**
 * The object's name.
 */
name: string, 
/**
 * One cell a column.
 */
cells: Json[], };
export type KubeWatchReq = { 
/**
 * The cluster's id.
 */
cluster: string, 
/**
 * The kind, as in [`KubeKindView::name`].
 */
kind: string, 
/**
 * Where; everywhere when none is named. Of no matter for a kind without namespaces.
 */
namespace: string | null, 
/**
 * A field selector.
 */
fields: string | null, 
/**
 * Where to go on from, as in [`KubeTableRes::place`]; none: everything is told first.
 */
place: string | null, 
/**
 * Names this question, so that it can be ended.
 */
ask: string, };
export type KubeWatchPart = { "part": "head", 
/**
 * The kind.
 */
kind: KubeKindView, 
/**
 * The columns.
 */
columns: Array<KubeColumnView>, } | { "part": "anew" } | { "part": "rows", 
/**
 * The rows.
 */
rows: Array<KubeRowView>, } | { "part": "gone", 
/**
 * Which.
 */
names: Array<KubeNameView>, } | { "part": "live" } | { "part": "stale", 
/**
 * Since when.
 */
since: number, 
/**
 * Why.
 */
why: UiFault, } | { "part": "note", 
/**
 * What.
 */
note: Words, };
export type KubeNameView = { 
/**
 * Its namespace.
 */
namespace: string | null, 
/**
 * Its name.
 */
name: string, };
export type KubeCountsReq = { 
/**
 * The cluster's id.
 */
cluster: string, 
/**
 * The kinds, as in [`KubeKindView::name`].
 */
kinds: Array<string>, 
/**
 * Where; everywhere when none is named.
 */
namespace: string | null, 
/**
 * Names this question, so that it can be given up.
 */
ask: string, };
export type KubeCountView = { 
/**
 * The kind, as it was asked for.
 */
kind: string, 
/**
 * So many; none where they may not be listed.
 */
count: number | null, 
/**
 * Whether there may be more.
 */
atLeast: boolean, };
export type KubeObjectReq = { 
/**
 * The cluster's id.
 */
cluster: string, 
/**
 * The kind, as in [`KubeKindView::name`].
 */
kind: string, 
/**
 * Where; none for a kind without namespaces.
 */
namespace: string | null, 
/**
 * Its name.
 */
name: string, 
/**
 * Names this question, so that it can be given up.
 */
ask: string, };
export type KubeObjectView = { 
/**
 * The object.
 */
object: Json, 
/**
 * The same as YAML.
 */
yaml: string, };
export type KubeAct = { "do": "scale", 
/**
 * How many.
 */
replicas: number, } | { "do": "restart" } | { "do": "roll_back", 
/**
 * Which.
 */
revision: number, } | { "do": "cordon" } | { "do": "uncordon" } | { "do": "drain", 
/**
 * Also pods that no controller would make again.
 */
force: boolean, 
/**
 * Also pods whose emptyDir data is lost.
 */
deleteEmptydirData: boolean, } | { "do": "delete", 
/**
 * `background`, `foreground`, `orphan`.
 */
propagation: string, 
/**
 * The uid of the object that was looked at.
 */
uid: string | null, };
export type KubeActReq = { 
/**
 * The cluster's id.
 */
cluster: string, 
/**
 * The kind, as one asks for it.
 */
kind: string, 
/**
 * Where; none for a kind without namespaces.
 */
namespace: string | null, 
/**
 * Its name.
 */
name: string, 
/**
 * What is to be done.
 */
act: KubeAct, 
/**
 * Names this question, so that it can be given up.
 */
ask: string, };
export type KubeActRes = { 
/**
 * Whether anything had to be changed.
 */
changed: boolean, 
/**
 * To take it back.
 */
undoId: string | null, 
/**
 * What can be quoted.
 */
auditId: string, 
/**
 * What is to be known.
 */
warnings: Array<Words>, };
export type KubeActStep = { 
/**
 * In words.
 */
text: string, };
export type KubeRevisionView = { 
/**
 * Its number.
 */
revision: number, 
/**
 * When it was made.
 */
madeAt: string | null, 
/**
 * Why, where somebody wrote that down.
 */
changeCause: string | null, 
/**
 * Its images.
 */
images: Array<string>, 
/**
 * Whether it is the one that is wanted now.
 */
current: boolean, };
export type KubeRevisionsReq = { 
/**
 * The cluster's id.
 */
cluster: string, 
/**
 * The kind, as one asks for it.
 */
kind: string, 
/**
 * Where.
 */
namespace: string | null, 
/**
 * Its name.
 */
name: string, 
/**
 * Names this question, so that it can be given up.
 */
ask: string, };
export type WbCheckReq = { 
/**
 * The text.
 */
text: string, 
/**
 * Against what this cluster serves; none for bundled schemas.
 */
cluster: string | null, 
/**
 * The minor of Kubernetes whose removals count.
 */
version: string | null, 
/**
 * `baseline` or `restricted`: the level of the Pod Security Standards that must be kept.
 */
level: string | null, 
/**
 * Names this question, so that it can be given up.
 */
ask: string, };
export type WbCheckView = { 
/**
 * Whether there is no error.
 */
ok: boolean, 
/**
 * The Kubernetes version that it was held against.
 */
version: string, 
/**
 * How many objects there are.
 */
objects: number, 
/**
 * The documents.
 */
outline: Array<WbOutlineView>, 
/**
 * In the order of the text.
 */
problems: Array<WbProblemView>, };
export type WbOutlineView = { 
/**
 * From 1; empty documents do not count.
 */
document: number, 
/**
 * Its first line.
 */
line: number, 
/**
 * Its last line.
 */
endLine: number, 
/**
 * Empty when it does not say.
 */
apiVersion: string, 
/**
 * Empty when it does not say.
 */
kind: string, 
/**
 * Its namespace.
 */
namespace: string | null, 
/**
 * Its name.
 */
name: string | null, };
export type WbSeverity = "error" | "warning";
export type WbProblemView = { 
/**
 * In which document, from 1; 0 when the text cannot be read.
 */
document: number, 
/**
 * Where it begins.
 */
line: number, 
/**
 * Where it begins.
 */
column: number, 
/**
 * Where it ends.
 */
endLine: number, 
/**
 * One past its last unit.
 */
endColumn: number, 
/**
 * How bad.
 */
severity: WbSeverity, 
/**
 * The rule's stable name.
 */
rule: string, 
/**
 * Where in its object.
 */
path: string, 
/**
 * What is wrong.
 */
message: Words, 
/**
 * What may stand there instead, where that is a list.
 */
allowed: Array<string>, 
/**
 * What would put it right.
 */
fix: WbFixView | null, };
export type WbFixView = { 
/**
 * What the button says.
 */
label: Words, 
/**
 * In which document.
 */
document: number, 
/**
 * Where in that document.
 */
path: string, 
/**
 * What is changed; goes back as it is.
 */
edit: Json, };
export type WbFixReq = { 
/**
 * The text as it was checked.
 */
text: string, 
/**
 * As the problem's fix says.
 */
document: number, 
/**
 * As the problem's fix says.
 */
path: string, 
/**
 * As the problem's fix says.
 */
edit: Json, };
export type WbEditsView = { 
/**
 * The changes; none overlap.
 */
edits: Array<WbEditView>, };
export type WbEditView = { 
/**
 * Where it begins.
 */
from: number, 
/**
 * Where it ends.
 */
to: number, 
/**
 * What stands there afterwards.
 */
insert: string, };
export type WbVersionsView = { 
/**
 * Oldest first.
 */
versions: Array<string>, 
/**
 * The newest.
 */
newest: string, };
export type WbRulesReq = { 
/**
 * The cluster; none for what is usual.
 */
cluster: string | null, };
export type WbRuleView = { 
/**
 * Its stable name.
 */
id: string, 
/**
 * What becomes of its findings.
 */
level: WbLevel, 
/**
 * What becomes of them unless somebody says otherwise.
 */
usual: WbLevel, 
/**
 * Whether somebody may say otherwise.
 */
adjustable: boolean, 
/**
 * What it asks for, and why.
 */
about: Words, };
export type WbLevel = "off" | "warn" | "block";
export type WbLiveReq = { 
/**
 * The cluster.
 */
cluster: string, 
/**
 * The text.
 */
text: string, 
/**
 * The namespace of objects that name none.
 */
namespace: string | null, 
/**
 * Names this question, so that it can be given up.
 */
ask: string, };
export type WbLiveView = { 
/**
 * Which document.
 */
document: number, 
/**
 * Its object as YAML; none when it is not there.
 */
yaml: string | null, };
export type WbRehearseReq = { 
/**
 * The cluster.
 */
cluster: string, 
/**
 * The text.
 */
text: string, 
/**
 * The namespace of objects that name none.
 */
namespace: string | null, 
/**
 * Fields to be taken over from other managers.
 */
takeOver: Array<string>, 
/**
 * Names this question, so that it can be given up.
 */
ask: string, };
export type WbObject = { 
/**
 * `apps/v1`.
 */
apiVersion: string, 
/**
 * `Deployment`.
 */
kind: string, 
/**
 * None for what belongs to the whole cluster.
 */
namespace: string | null, 
/**
 * Its name.
 */
name: string, };
export type WbAction = "create" | "change" | "unchanged" | "delete";
export type WbExtent = "whole" | "fields" | "nothing";
export type WbRehearsalView = { 
/**
 * What an approval names.
 */
digest: string, 
/**
 * Until when it can be approved, in milliseconds.
 */
expiresAt: number, 
/**
 * Object by object, in the order in which they would be applied.
 */
changes: Array<WbChangeView>, 
/**
 * Fields that others manage.
 */
conflicts: Array<WbConflictView>, 
/**
 * Who will set it back.
 */
undoneBy: Array<WbUndoneByView>, 
/**
 * What else is to be known.
 */
warnings: Array<Words>, };
export type WbChangeView = { 
/**
 * What would happen.
 */
action: WbAction, 
/**
 * To which.
 */
object: WbObject, 
/**
 * As unified text.
 */
diff: string, 
/**
 * How far it could be tried.
 */
extent: WbExtent, 
/**
 * What is there now, as YAML.
 */
before: string | null, 
/**
 * What would be there, as YAML.
 */
after: string | null, 
/**
 * Field by field.
 */
fields: Array<WbFieldView>, 
/**
 * What the server would make of fields that were sent: `before` was sent, `after` is kept.
 */
adjusted: Array<WbFieldView>, };
export type WbFieldView = { 
/**
 * Where it is.
 */
path: string, 
/**
 * What it is; none when it is absent.
 */
before: Json, 
/**
 * What it would be; none when it would be gone.
 */
after: Json, };
export type WbConflictView = { 
/**
 * Of which object.
 */
object: WbObject, 
/**
 * Which field; this is what `takeOver` names.
 */
path: string, 
/**
 * Who manages it.
 */
manager: string, 
/**
 * Whether it is to be taken over.
 */
takenOver: boolean, };
export type WbUndoneByView = { 
/**
 * Which object.
 */
object: WbObject, 
/**
 * Which field; empty for all that they manage.
 */
path: string, 
/**
 * Who.
 */
by: string, };
export type WbApplyReq = { 
/**
 * The cluster.
 */
cluster: string, 
/**
 * The text.
 */
text: string, 
/**
 * The namespace of objects that name none.
 */
namespace: string | null, 
/**
 * Fields to be taken over, as they were rehearsed.
 */
takeOver: Array<string>, 
/**
 * The rehearsal that was approved.
 */
digest: string, 
/**
 * Take it back unless it is confirmed within so many seconds.
 */
confirmWithin: number | null, };
export type WbAppliedView = { 
/**
 * In order.
 */
applied: Array<WbDoneView>, 
/**
 * To take it back; none when nothing had to be changed.
 */
undoId: string | null, 
/**
 * When it goes back by itself, in milliseconds.
 */
revertAt: number | null, 
/**
 * What the API server said meanwhile.
 */
warnings: Array<Words>, };
export type WbDoneView = { 
/**
 * What.
 */
action: WbAction, 
/**
 * To which.
 */
object: WbObject, 
/**
 * Whether it is known to have happened.
 */
applied: boolean, };
export type WbRolloutReq = { 
/**
 * The cluster.
 */
cluster: string, 
/**
 * Whose: a Deployment, StatefulSet or DaemonSet.
 */
object: WbObject, 
/**
 * Names this question, so that it can be given up.
 */
ask: string, };
export type WbRolloutView = { 
/**
 * `done`, `progressing`, `failed`.
 */
state: string, 
/**
 * Pods that are wanted.
 */
wanted: number, 
/**
 * Of these, made of the new template.
 */
updated: number, 
/**
 * Of these, ready for traffic.
 */
ready: number, 
/**
 * In a sentence.
 */
message: Words, 
/**
 * What keeps pods from being ready.
 */
reasons: Array<WbReasonView>, };
export type WbReasonView = { 
/**
 * Which pod.
 */
pod: string, 
/**
 * Which of its containers; none when it is about the whole pod.
 */
container: string | null, 
/**
 * `ImagePullBackOff`, `CrashLoopBackOff`, `Unschedulable`.
 */
reason: string, 
/**
 * What the cluster says of it.
 */
message: string, };
export type WbPastView = { 
/**
 * Its id.
 */
id: string, 
/**
 * The cluster's id.
 */
cluster: string, 
/**
 * When, in milliseconds.
 */
appliedAt: number, 
/**
 * `applying`, `applied`, `waiting`, `undoing`, `undone`.
 */
state: string, 
/**
 * What was done to which object.
 */
objects: Array<WbDoneView>, 
/**
 * When it goes back by itself unless it is confirmed, in milliseconds.
 */
confirmUntil: number | null, 
/**
 * Why it could not be taken back.
 */
trouble: Words | null, };
export type WbUndoReq = { 
/**
 * Which.
 */
id: string, 
/**
 * Also over what somebody changed since.
 */
force: boolean, };
export type WbUndoneView = { 
/**
 * Which change.
 */
id: string, 
/**
 * In the order in which it was done.
 */
undone: Array<WbUndoStepView>, };
export type WbUndoStepView = { 
/**
 * Which.
 */
object: WbObject, 
/**
 * `delete`, `recreate`, `restore`, `nothing`.
 */
action: string, 
/**
 * What went back.
 */
fields: Array<WbFieldView>, 
/**
 * What somebody had changed since.
 */
changedSince: Array<WbFieldView>, };
export type WbOpenRes = { 
/**
 * The file.
 */
file: WbFileView | null, };
export type WbFileView = { 
/**
 * Where it is.
 */
path: string, 
/**
 * What is in it.
 */
text: string, };
export type WbSaveReq = { 
/**
 * A file that was opened or saved since the window opened; any other path, and none, brings the dialog.
 */
path: string | null, 
/**
 * The text.
 */
text: string, };
export type WbAtReq = { 
/**
 * The text.
 */
text: string, 
/**
 * The cursor's line.
 */
line: number, 
/**
 * The cursor's column.
 */
column: number, 
/**
 * By what this cluster serves; none for bundled schemas.
 */
cluster: string | null, 
/**
 * The minor of Kubernetes.
 */
version: string | null, 
/**
 * Names this question, so that it can be given up.
 */
ask: string, };
export type WbCompleteView = { 
/**
 * Where the word begins that it takes the place of.
 */
from: number, 
/**
 * Where that word ends.
 */
to: number, 
/**
 * What is offered, what is wanted most first.
 */
items: Array<WbItemView>, };
export type WbItemView = { 
/**
 * Its name.
 */
label: string, 
/**
 * What stands there when it is taken.
 */
insert: string, 
/**
 * `key`, `value`, `snippet`.
 */
kind: string, 
/**
 * The type of its value, or where it belongs.
 */
type: string, 
/**
 * Whether it must be there.
 */
required: boolean, 
/**
 * What its schema says of it.
 */
about: string, 
/**
 * Whether it should not be used any more.
 */
deprecated: boolean, };
export type WbHoverRes = { 
/**
 * What.
 */
hover: WbHoverView | null, };
export type WbHoverView = { 
/**
 * Where in its object.
 */
path: string, 
/**
 * The type of the value.
 */
type: string, 
/**
 * Whether it must be there.
 */
required: boolean, 
/**
 * What its schema says of it.
 */
about: string, 
/**
 * What may stand there, where that is a list.
 */
allowed: Array<string>, 
/**
 * Where the word begins.
 */
from: number, 
/**
 * Where it ends.
 */
to: number, };
export type WbTextReq = { 
/**
 * The text.
 */
text: string, };
export type WbTextView = { 
/**
 * The text.
 */
text: string, };
export type WbTemplateView = { 
/**
 * Its stable name.
 */
id: string, 
/**
 * What it is called.
 */
title: Words, 
/**
 * What it is for.
 */
about: Words, 
/**
 * The manifest.
 */
text: string, };
export type WbRuleSetReq = { 
/**
 * The cluster.
 */
cluster: string, 
/**
 * The rule's stable name.
 */
id: string, 
/**
 * The level; none for as usual.
 */
level: WbLevel | null, };
export type WbDraftView = { 
/**
 * Its id.
 */
id: string, 
/**
 * What the person calls it.
 */
name: string, 
/**
 * The cluster that it is meant for.
 */
cluster: string | null, 
/**
 * The namespace of objects that name none.
 */
namespace: string | null, 
/**
 * Last saved, in milliseconds.
 */
updatedAt: number, 
/**
 * How many versions there are.
 */
versions: number, };
export type WbDraftGetReq = { 
/**
 * Which.
 */
id: string, 
/**
 * Which version; the newest when none is named.
 */
version: number | null, };
export type WbDraftTextView = { 
/**
 * Its id.
 */
id: string, 
/**
 * What the person calls it.
 */
name: string, 
/**
 * The text.
 */
text: string, 
/**
 * The cluster that it is meant for.
 */
cluster: string | null, 
/**
 * The namespace of objects that name none.
 */
namespace: string | null, 
/**
 * When that version was saved, in milliseconds.
 */
savedAt: number, 
/**
 * Which version it is.
 */
version: number, };
export type WbDraftSaveReq = { 
/**
 * Which; none for a new one.
 */
id: string | null, 
/**
 * What the person calls it.
 */
name: string, 
/**
 * The text.
 */
text: string, 
/**
 * The cluster that it is meant for.
 */
cluster: string | null, 
/**
 * The namespace of objects that name none.
 */
namespace: string | null, };
export type WbDraftSavedView = { 
/**
 * Its id.
 */
id: string, 
/**
 * Which version holds the text; the newest one when it is the same.
 */
version: number, 
/**
 * When that version was saved, in milliseconds.
 */
savedAt: number, };
export type WbDraftVersionView = { 
/**
 * Counts from 1.
 */
version: number, 
/**
 * When, in milliseconds.
 */
savedAt: number, 
/**
 * How large it is.
 */
bytes: number, };
export type KubeExecReq = { 
/**
 * The cluster's id.
 */
cluster: string, 
/**
 * Where; none for the cluster's usual namespace.
 */
namespace: string | null, 
/**
 * The pod.
 */
pod: string, 
/**
 * The container; none for the pod's usual one.
 */
container: string | null, 
/**
 * The program and its arguments.
 */
command: Array<string>, 
/**
 * Characters in a line.
 */
columns: number, 
/**
 * Lines.
 */
rows: number, 
/**
 * Names this terminal, so that it can be typed into and ended.
 */
ask: string, };
export type KubeExecPart = { "part": "begun", 
/**
 * The pod.
 */
pod: string, 
/**
 * The container.
 */
container: string, } | { "part": "output", 
/**
 * Counts from 1; the window says it back when it has drawn it.
 */
n: number, 
/**
 * The bytes.
 */
bytes: string, };
export type KubeExecRes = { 
/**
 * The exit code.
 */
code: number, 
/**
 * The last piece of output that came.
 */
last: number, 
/**
 * The audit reference.
 */
auditId: string, };
export type KubeExecInputReq = { 
/**
 * The terminal.
 */
ask: string, 
/**
 * What is typed; empty for nothing.
 */
text: string, 
/**
 * Characters in a line, and lines, when they changed.
 */
size: [number, number] | null, };
export type KubeForwardReq = { 
/**
 * The cluster's id.
 */
cluster: string, 
/**
 * Where; none for the cluster's usual namespace.
 */
namespace: string | null, 
/**
 * A pod, or KIND/NAME.
 */
target: string, 
/**
 * `[LOCAL:]REMOTE`, each.
 */
ports: Array<string>, };
export type KubeForwardView = { 
/**
 * Names it.
 */
id: string, 
/**
 * The cluster's id.
 */
cluster: string, 
/**
 * The cluster's name.
 */
clusterName: string, 
/**
 * Where.
 */
namespace: string, 
/**
 * What was asked for.
 */
target: string, 
/**
 * The ports.
 */
ports: Array<KubeForwardPort>, 
/**
 * Whether a pod is there now.
 */
ready: boolean, 
/**
 * The pod.
 */
pod: string | null, 
/**
 * How often another pod took over.
 */
moves: number, 
/**
 * What went wrong last.
 */
trouble: Words | null, 
/**
 * Connections that are open.
 */
open: number, 
/**
 * Since when (ms).
 */
since: number, };
export type KubeForwardPort = { 
/**
 * Here, on 127.0.0.1.
 */
local: number, 
/**
 * There, as it was named.
 */
remote: string, };
export type KubeLogsReq = { 
/**
 * The cluster's id.
 */
cluster: string, 
/**
 * The kind: `pods`, or one whose objects choose pods.
 */
kind: string, 
/**
 * Where; none for the cluster's usual namespace.
 */
namespace: string | null, 
/**
 * The object's name.
 */
name: string, 
/**
 * This container; none for each pod's usual one.
 */
container: string | null, 
/**
 * Every container.
 */
allContainers: boolean, 
/**
 * Goes on with new lines.
 */
follow: boolean, 
/**
 * Of the containers that ran before.
 */
previous: boolean, 
/**
 * Only so many seconds back.
 */
sinceSecs: number | null, 
/**
 * Only so many of the last lines of each container.
 */
tail: number | null, 
/**
 * Names this question, so that it can be given up.
 */
ask: string, };
export type KubeLogsRes = { 
/**
 * How many batches there were.
 */
batches: number, };
export type KubeLogBatch = { 
/**
 * Counts from 1; the window says it back when it has drawn it.
 */
n: number, 
/**
 * Where lines will come from; once, in the first batch or soon after.
 */
sources: Array<KubeLogSource> | null, 
/**
 * The lines.
 */
lines: Array<KubeLogLine>, 
/**
 * What a person should know: which container was chosen, what cannot be read, that it was taken up again.
 */
notes: Array<Words>, };
export type KubeLogSource = { 
/**
 * The pod.
 */
pod: string, 
/**
 * The container.
 */
container: string, };
export type KubeLogLine = { 
/**
 * The pod.
 */
pod: string, 
/**
 * The container.
 */
container: string, 
/**
 * When, as the node says.
 */
at: string | null, 
/**
 * What.
 */
text: string, };
export type KubeLogsSaveReq = { 
/**
 * What the file is called at first.
 */
name: string, 
/**
 * What is shown; none to write everything that the containers have written, as `query` asks for it.
 */
text: string | null, 
/**
 * Whose logs.
 */
query: KubeLogsReq, };
export type KubeRevealReq = { 
/**
 * The cluster's id.
 */
cluster: string, 
/**
 * Where; none for the cluster's usual namespace.
 */
namespace: string | null, 
/**
 * The Secret.
 */
name: string, 
/**
 * The key.
 */
key: string, };
export type KubeRevealView = { 
/**
 * The value, where it is text.
 */
text: string | null, 
/**
 * How many bytes it has.
 */
bytes: number, 
/**
 * The audit reference.
 */
auditId: string, };
export type TakenReq = { 
/**
 * The question.
 */
ask: string, 
/**
 * The last piece that was drawn.
 */
n: number, };

export interface Commands {
  app_boot: { req: Nothing; res: Boot; channel: never };
  app_ready: { req: Nothing; res: Nothing; channel: never };
  prefs_set: { req: PrefReq; res: Nothing; channel: never };
  open_page: { req: PageReq; res: Nothing; channel: never };
  pick_folder: { req: Nothing; res: PickRes; channel: never };
  diagnostics: { req: Nothing; res: TextRes; channel: never };
  server_list: { req: Nothing; res: Array<ServerView>; channel: never };
  server_get: { req: IdReq; res: ServerDetail; channel: never };
  server_check: { req: ServerForm; res: TargetRes; channel: never };
  server_save: { req: ServerForm; res: ServerView; channel: never };
  server_remove: { req: IdReq; res: Nothing; channel: never };
  server_enable: { req: EnableReq; res: ServerView; channel: never };
  server_duplicate: { req: IdReq; res: ServerView; channel: never };
  server_connect: { req: IdReq; res: ServerView; channel: never };
  server_disconnect: { req: IdReq; res: ServerView; channel: never };
  server_accept: { req: IdReq; res: ServerView; channel: never };
  server_test: { req: TestReq; res: TestRes; channel: never };
  server_log: { req: IdReq; res: LogRes; channel: never };
  server_offers: { req: IdReq; res: OffersRes; channel: never };
  resource_read: { req: ResourceReq; res: JsonRes; channel: never };
  prompt_get: { req: PromptReq; res: JsonRes; channel: never };
  figures: { req: FiguresReq; res: Array<FiguresView>; channel: never };
  template_list: { req: Nothing; res: Array<TemplateView>; channel: never };
  template_save: { req: TemplateSaveReq; res: Nothing; channel: never };
  template_remove: { req: IdReq; res: Nothing; channel: never };
  import_preview: { req: ImportReq; res: ImportPreview; channel: never };
  import_apply: { req: ImportReq; res: ImportDone; channel: never };
  export_text: { req: ExportReq; res: TextRes; channel: never };
  tool_list: { req: Nothing; res: Array<ToolView>; channel: never };
  tool_get: { req: ToolReq; res: ToolDetail; channel: never };
  tool_accept: { req: ToolReq; res: Nothing; channel: never };
  tool_call: { req: ToolCallReq; res: CallDone; channel: ToolCallEvent };
  call_cancel: { req: IdReq; res: Nothing; channel: never };
  call_history: { req: HistoryReq; res: Array<PastCallView>; channel: never };
  call_command: { req: CommandReq; res: CommandRes; channel: never };
  question_list: { req: Nothing; res: Array<QuestionView>; channel: never };
  question_answer: { req: AnswerReq; res: Nothing; channel: never };
  activity_list: { req: ActivityReq; res: Array<ActivityRow>; channel: never };
  activity_verify: { req: Nothing; res: VerifyRes; channel: never };
  activity_export: { req: Nothing; res: PickRes; channel: never };
  policy_get: { req: Nothing; res: PolicyView; channel: never };
  policy_set: { req: PolicyView; res: PolicyView; channel: never };
  vault_get: { req: Nothing; res: VaultView; channel: never };
  vault_unlock: { req: UnlockReq; res: VaultView; channel: never };
  vault_lock: { req: Nothing; res: VaultView; channel: never };
  vault_settle: { req: SettleReq; res: VaultView; channel: never };
  vault_rotate: { req: RotateReq; res: VaultView; channel: never };
  vault_export_kit: { req: KitReq; res: PickRes; channel: never };
  vault_restore_kit: { req: KitReq; res: PickRes; channel: never };
  vault_wipe: { req: Nothing; res: WipeRes; channel: never };
  secret_list: { req: Nothing; res: Array<SecretView>; channel: never };
  secret_set: { req: SecretSetReq; res: Nothing; channel: never };
  secret_remove: { req: IdReq; res: Nothing; channel: never };
  cluster_list: { req: Nothing; res: ClustersView; channel: never };
  cluster_get: { req: IdReq; res: ClusterDetail; channel: never };
  cluster_check: { req: ClusterCheckReq; res: ClustersView; channel: never };
  cluster_refresh: { req: Nothing; res: Nothing; channel: never };
  cluster_set: { req: ClusterSetReq; res: ClusterDetail; channel: never };
  cluster_plugin: { req: IdReq; res: PluginView; channel: never };
  cluster_remove: { req: ClusterRemoveReq; res: Nothing; channel: never };
  cluster_lock: { req: Nothing; res: Nothing; channel: never };
  cluster_unlock: { req: Nothing; res: Nothing; channel: never };
  cluster_verify: { req: FilesReq; res: FindingsView; channel: never };
  cluster_restore: { req: RestoreReq; res: Nothing; channel: never };
  kubeconfig_list: { req: Nothing; res: Array<KubeconfigView>; channel: never };
  kubeconfig_pick: { req: Nothing; res: PickRes; channel: never };
  cluster_review: { req: ReviewReq; res: ReviewView; channel: never };
  cluster_import: { req: ClusterImportReq; res: ClusterImportRes; channel: never };
  consent_list: { req: Nothing; res: Array<ConsentView>; channel: never };
  consent_forget: { req: ConsentForgetReq; res: Nothing; channel: never };
  cluster_sign_in: { req: IdReq; res: SignInView; channel: never };
  cluster_login: { req: ClusterLoginReq; res: LoggedInView; channel: LoginStepView };
  cluster_login_cancel: { req: IdReq; res: Nothing; channel: never };
  cluster_logout: { req: IdReq; res: LoggedOutView; channel: never };
  kube_usage: { req: KubeUsageReq; res: Array<KubeUsageView>; channel: never };
  kube_kinds: { req: KubeKindsReq; res: KubeKindsView; channel: never };
  kube_table: { req: KubeTableReq; res: KubeTableRes; channel: KubeTablePart };
  kube_watch: { req: KubeWatchReq; res: Nothing; channel: KubeWatchPart };
  kube_counts: { req: KubeCountsReq; res: Array<KubeCountView>; channel: never };
  kube_object: { req: KubeObjectReq; res: KubeObjectView; channel: never };
  kube_cancel: { req: IdReq; res: Nothing; channel: never };
  kube_act: { req: KubeActReq; res: KubeActRes; channel: KubeActStep };
  kube_revisions: { req: KubeRevisionsReq; res: Array<KubeRevisionView>; channel: never };
  wb_check: { req: WbCheckReq; res: WbCheckView; channel: never };
  wb_fix: { req: WbFixReq; res: WbEditsView; channel: never };
  wb_complete: { req: WbAtReq; res: WbCompleteView; channel: never };
  wb_hover: { req: WbAtReq; res: WbHoverRes; channel: never };
  wb_format: { req: WbTextReq; res: WbTextView; channel: never };
  wb_versions: { req: Nothing; res: WbVersionsView; channel: never };
  wb_templates: { req: Nothing; res: Array<WbTemplateView>; channel: never };
  wb_rules: { req: WbRulesReq; res: Array<WbRuleView>; channel: never };
  wb_rule_set: { req: WbRuleSetReq; res: Nothing; channel: never };
  wb_live: { req: WbLiveReq; res: Array<WbLiveView>; channel: never };
  wb_rehearse: { req: WbRehearseReq; res: WbRehearsalView; channel: never };
  wb_apply: { req: WbApplyReq; res: WbAppliedView; channel: never };
  wb_rollout: { req: WbRolloutReq; res: WbRolloutView; channel: WbRolloutView };
  wb_changes: { req: Nothing; res: Array<WbPastView>; channel: never };
  wb_undo: { req: WbUndoReq; res: WbUndoneView; channel: never };
  wb_confirm: { req: IdReq; res: WbPastView; channel: never };
  wb_draft_list: { req: Nothing; res: Array<WbDraftView>; channel: never };
  wb_draft_get: { req: WbDraftGetReq; res: WbDraftTextView; channel: never };
  wb_draft_save: { req: WbDraftSaveReq; res: WbDraftSavedView; channel: never };
  wb_draft_versions: { req: IdReq; res: Array<WbDraftVersionView>; channel: never };
  wb_draft_remove: { req: IdReq; res: Nothing; channel: never };
  wb_open: { req: Nothing; res: WbOpenRes; channel: never };
  wb_save: { req: WbSaveReq; res: PickRes; channel: never };
  kube_exec: { req: KubeExecReq; res: KubeExecRes; channel: KubeExecPart };
  kube_exec_input: { req: KubeExecInputReq; res: Nothing; channel: never };
  kube_forward: { req: KubeForwardReq; res: KubeForwardView; channel: never };
  kube_forward_list: { req: Nothing; res: Array<KubeForwardView>; channel: never };
  kube_forward_stop: { req: IdReq; res: Nothing; channel: never };
  kube_logs: { req: KubeLogsReq; res: KubeLogsRes; channel: KubeLogBatch };
  kube_logs_save: { req: KubeLogsSaveReq; res: PickRes; channel: never };
  kube_reveal: { req: KubeRevealReq; res: KubeRevealView; channel: never };
  kube_taken: { req: TakenReq; res: Nothing; channel: never };
}

export const reads: Record<keyof Commands, Tag[]> = {
  app_boot: ["settings"],
  app_ready: [],
  prefs_set: [],
  open_page: [],
  pick_folder: [],
  diagnostics: [],
  server_list: ["servers","metrics"],
  server_get: ["servers","metrics"],
  server_check: [],
  server_save: [],
  server_remove: [],
  server_enable: [],
  server_duplicate: [],
  server_connect: [],
  server_disconnect: [],
  server_accept: [],
  server_test: [],
  server_log: [],
  server_offers: ["servers"],
  resource_read: [],
  prompt_get: [],
  figures: ["metrics"],
  template_list: ["templates"],
  template_save: [],
  template_remove: [],
  import_preview: [],
  import_apply: [],
  export_text: [],
  tool_list: ["tools"],
  tool_get: ["tools","settings"],
  tool_accept: [],
  tool_call: [],
  call_cancel: [],
  call_history: ["activity"],
  call_command: [],
  question_list: ["questions"],
  question_answer: [],
  activity_list: ["activity"],
  activity_verify: [],
  activity_export: [],
  policy_get: ["settings"],
  policy_set: [],
  vault_get: ["vault"],
  vault_unlock: [],
  vault_lock: [],
  vault_settle: [],
  vault_rotate: [],
  vault_export_kit: [],
  vault_restore_kit: [],
  vault_wipe: [],
  secret_list: ["vault","servers","clusters"],
  secret_set: [],
  secret_remove: [],
  cluster_list: ["clusters"],
  cluster_get: ["clusters"],
  cluster_check: [],
  cluster_refresh: [],
  cluster_set: [],
  cluster_plugin: [],
  cluster_remove: [],
  cluster_lock: [],
  cluster_unlock: [],
  cluster_verify: [],
  cluster_restore: [],
  kubeconfig_list: [],
  kubeconfig_pick: [],
  cluster_review: [],
  cluster_import: [],
  consent_list: ["clusters","activity"],
  consent_forget: [],
  cluster_sign_in: ["clusters","vault"],
  cluster_login: [],
  cluster_login_cancel: [],
  cluster_logout: [],
  kube_usage: [],
  kube_kinds: [],
  kube_table: [],
  kube_watch: [],
  kube_counts: [],
  kube_object: [],
  kube_cancel: [],
  kube_act: [],
  kube_revisions: [],
  wb_check: [],
  wb_fix: [],
  wb_complete: [],
  wb_hover: [],
  wb_format: [],
  wb_versions: [],
  wb_templates: [],
  wb_rules: ["settings"],
  wb_rule_set: [],
  wb_live: [],
  wb_rehearse: [],
  wb_apply: [],
  wb_rollout: [],
  wb_changes: ["changes"],
  wb_undo: [],
  wb_confirm: [],
  wb_draft_list: ["drafts"],
  wb_draft_get: [],
  wb_draft_save: [],
  wb_draft_versions: ["drafts"],
  wb_draft_remove: [],
  wb_open: [],
  wb_save: [],
  kube_exec: [],
  kube_exec_input: [],
  kube_forward: [],
  kube_forward_list: ["forwards"],
  kube_forward_stop: [],
  kube_logs: [],
  kube_logs_save: [],
  kube_reveal: [],
  kube_taken: [],
};

export const changes: Record<keyof Commands, Tag[]> = {
  app_boot: [],
  app_ready: [],
  prefs_set: ["settings"],
  open_page: [],
  pick_folder: [],
  diagnostics: [],
  server_list: [],
  server_get: [],
  server_check: [],
  server_save: ["servers","tools","activity"],
  server_remove: ["servers","tools","activity"],
  server_enable: ["servers","tools","activity"],
  server_duplicate: ["servers","activity"],
  server_connect: ["servers","tools"],
  server_disconnect: ["servers"],
  server_accept: ["servers","tools","activity"],
  server_test: ["activity"],
  server_log: [],
  server_offers: [],
  resource_read: ["activity"],
  prompt_get: ["activity"],
  figures: [],
  template_list: [],
  template_save: ["templates"],
  template_remove: ["templates"],
  import_preview: [],
  import_apply: ["servers","tools","activity"],
  export_text: [],
  tool_list: [],
  tool_get: [],
  tool_accept: ["tools","servers","activity"],
  tool_call: ["activity","metrics"],
  call_cancel: [],
  call_history: [],
  call_command: [],
  question_list: [],
  question_answer: ["questions"],
  activity_list: [],
  activity_verify: [],
  activity_export: [],
  policy_get: [],
  policy_set: ["settings","tools","activity"],
  vault_get: [],
  vault_unlock: ["vault","servers","activity"],
  vault_lock: ["vault","activity"],
  vault_settle: ["vault","servers","activity"],
  vault_rotate: ["vault","activity"],
  vault_export_kit: ["activity"],
  vault_restore_kit: ["vault","servers","activity"],
  vault_wipe: ["vault","servers","activity"],
  secret_list: [],
  secret_set: ["vault","servers","activity"],
  secret_remove: ["vault","activity"],
  cluster_list: [],
  cluster_get: [],
  cluster_check: ["clusters","activity"],
  cluster_refresh: [],
  cluster_set: ["clusters","activity"],
  cluster_plugin: [],
  cluster_remove: ["clusters","vault","activity"],
  cluster_lock: ["clusters","activity"],
  cluster_unlock: ["clusters","activity"],
  cluster_verify: [],
  cluster_restore: ["clusters","vault","activity"],
  kubeconfig_list: [],
  kubeconfig_pick: [],
  cluster_review: [],
  cluster_import: ["clusters","vault","activity"],
  consent_list: [],
  consent_forget: ["clusters","activity"],
  cluster_sign_in: [],
  cluster_login: ["clusters","vault","activity"],
  cluster_login_cancel: [],
  cluster_logout: ["clusters","vault","activity"],
  kube_usage: [],
  kube_kinds: [],
  kube_table: [],
  kube_watch: [],
  kube_counts: [],
  kube_object: [],
  kube_cancel: [],
  kube_act: ["activity"],
  kube_revisions: [],
  wb_check: [],
  wb_fix: [],
  wb_complete: [],
  wb_hover: [],
  wb_format: [],
  wb_versions: [],
  wb_templates: [],
  wb_rules: [],
  wb_rule_set: ["settings","activity"],
  wb_live: [],
  wb_rehearse: ["activity"],
  wb_apply: ["changes","activity"],
  wb_rollout: [],
  wb_changes: [],
  wb_undo: ["changes","activity"],
  wb_confirm: ["changes","activity"],
  wb_draft_list: [],
  wb_draft_get: [],
  wb_draft_save: ["drafts"],
  wb_draft_versions: [],
  wb_draft_remove: ["drafts"],
  wb_open: [],
  wb_save: [],
  kube_exec: ["activity"],
  kube_exec_input: [],
  kube_forward: ["forwards","activity"],
  kube_forward_list: [],
  kube_forward_stop: ["forwards","activity"],
  kube_logs: [],
  kube_logs_save: [],
  kube_reveal: ["activity"],
  kube_taken: [],
};
