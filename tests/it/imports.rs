//! What other programs wrote becomes a preview, and only a preview becomes servers: every format, there and back, and what is hostile.

use std::collections::BTreeMap;
use std::sync::Arc;

use app::imports::{Choices, Document, ExportForm, Format, Outcome, PlainSecrets, Preview, Shapes, Source, apply, export, preview, single};
use domain::fault::Fault;
use domain::id::Millis;
use domain::server::{ServerDef, ToolRule};
use domain::{Json, JsonMap};
use proptest::prelude::{ProptestConfig, any, prop_assert, proptest};
use secrets::EnvExpand;
use serde_json::json;
use toolbox::{Places, Toolbox};

const V1: &str = include_str!("../fixtures/configs/mcp_config_v1.json");
const V2: &str = include_str!("../fixtures/configs/mcp_config_v2.json");
const CLAUDE: &str = include_str!("../fixtures/configs/claude_desktop_config.json");
const VSCODE: &str = include_str!("../fixtures/configs/vscode_mcp.jsonc");
const CURSOR: &str = include_str!("../fixtures/configs/cursor_mcp.json");
const SEED: [(&str, &str, &str); 6] = [
    ("websocket", "k8s-websocket", include_str!("../fixtures/configs/seed-websocket.json")),
    ("http", "k8s-http", include_str!("../fixtures/configs/seed-http.json")),
    ("sse", "k8s-sse", include_str!("../fixtures/configs/seed-sse.json")),
    ("stream_http", "stream-http", include_str!("../fixtures/configs/seed-stream_http.json")),
    ("subprocess", "subprocess-server", include_str!("../fixtures/configs/seed-subprocess.json")),
    ("local", "filesystem", include_str!("../fixtures/configs/seed-local.json")),
];
const SEED_AUTH: &str = include_str!("../fixtures/configs/seed-auth.json");
const SEED_RETRY: &str = include_str!("../fixtures/configs/seed-retry.json");

/// The real protocols, and an environment in which only these variables are set.
fn shapes() -> Shapes {
    let toolbox = Toolbox::new(Places { scratch: "/nonexistent/scratch".into(), home: None, private: Vec::new() });
    let set = |name: &str| matches!(name, "HOME" | "K8S_TOKEN" | "EVENTS_KEY").then(|| format!("value-of-{name}"));
    Shapes::new(&protocols::registry(Arc::new(toolbox)), Arc::new(EnvExpand::new(set)))
}

fn look(text: &str, file_name: Option<&str>, saved: &[ServerDef]) -> Result<Preview, Fault> {
    preview(&Source { text, file_name, ..Source::default() }, &shapes(), saved, Millis(1))
}

fn seen(text: &str) -> Preview {
    look(text, None, &[]).unwrap()
}

fn taken(preview: &Preview) -> Vec<ServerDef> {
    apply(preview, &Choices::default()).unwrap().servers
}

fn by_name<'s>(servers: &'s [ServerDef], name: &str) -> &'s ServerDef {
    servers.iter().find(|server| server.name == name).unwrap_or_else(|| panic!("no server {name}"))
}

fn no_tool(_: &ServerDef, _: &str) -> Option<domain::tool::Tool> {
    None
}

fn warned(preview: &Preview, field: &str) -> bool {
    preview.warnings.iter().any(|warning| warning.field == field && !warning.text.en.is_empty() && !warning.text.zh.is_empty())
}

#[test]
fn each_sample_of_the_first_document_is_a_server_as_it_stands() {
    for (protocol, name, text) in SEED {
        let preview = seen(text);
        assert!(preview.refused.is_empty(), "{name}: {:?}", preview.refused);
        let servers = taken(&preview);
        let server = by_name(&servers, name);
        assert_eq!(server.protocol.as_str(), protocol);
        let sample: JsonMap = serde_json::from_str(text).unwrap();
        for (field, value) in sample.iter().filter(|(field, _)| !matches!(field.as_str(), "name" | "type")) {
            assert_eq!(server.settings.get(field), Some(value), "{name}: {field} is a setting with the value of the file");
        }
        assert!(server.extra.iter().all(|(key, _)| key == "imported"), "{name}: every field of the sample has an effect");
        // And back: the object says the same.
        let back = export(&servers, None, ExportForm::Single, PlainSecrets::WrittenOut, &no_tool).unwrap().file;
        for (field, value) in &sample {
            assert_eq!(back.get(field), Some(value), "{name}: {field}");
        }
    }
}

#[test]
fn the_documents_authentication_and_retry_blocks_go_into_a_named_server() {
    let saved = taken(&seen(SEED[3].2));
    let into = |text| preview(&Source { text, name: Some("stream-http"), ..Source::default() }, &shapes(), &saved, Millis(2)).unwrap();
    let auth = into(SEED_AUTH);
    assert_eq!(auth.format, Format::Fragment);
    let server = &taken(&auth)[0];
    assert_eq!(server.id, saved[0].id, "it is a change, not another server");
    assert_eq!(server.settings["auth_token"], "${MCP_AUTH_TOKEN}");
    assert_eq!(server.settings["auth_headers"]["X-API-Key"], "${API_KEY}");
    assert_eq!(server.settings["host"], "localhost", "what the block does not have stays");
    let unset: Vec<_> = auth.unset.iter().map(|unset| unset.variable.as_str()).collect();
    assert_eq!(unset, ["MCP_AUTH_TOKEN", "API_KEY"]);
    let retry = taken(&into(SEED_RETRY));
    assert_eq!((&retry[0].settings["retry_attempts"], &retry[0].settings["timeout"]), (&json!(3), &json!(30)));
    assert_eq!(look(SEED_AUTH, None, &saved).unwrap_err().code, "import_needs_server", "without a name nobody can know which is meant");
}

#[test]
fn every_field_of_the_predecessors_document_is_in_force_or_named_with_the_reason() {
    let preview = seen(V1);
    assert_eq!(preview.format, Format::McpConfig);
    assert!(preview.refused.is_empty(), "{:?}", preview.refused);
    let servers = taken(&preview);
    let k8s = by_name(&servers, "k8s-mcp");
    // The server's own word goes before the document's; milliseconds become seconds.
    assert_eq!((&k8s.settings["timeout"], &k8s.settings["max_concurrent_calls"]), (&json!(60), &json!(5)));
    assert_eq!((&k8s.settings["cache_ttl"], &k8s.settings["requests_per_minute"]), (&json!(300), &json!(100)));
    let helper = by_name(&servers, "helper");
    assert_eq!(
        (&helper.settings["timeout"], &helper.settings["retry_attempts"], &helper.settings["retry_delay"]),
        (&json!(45), &json!(2), &json!(1.5))
    );
    assert!(!helper.enabled);
    let pods = k8s.tool_rule(&"k8s-get-pods".into());
    assert_eq!((pods.timeout, pods.cache_ttl, &pods.default_parameters["namespace"]), (Some(15.0), Some(60.0), &json!("staging")));
    assert!(!k8s.tool_rule(&"k8s-get-nodes".into()).enabled);
    assert_eq!(by_name(&servers, "rest").tool_rule(&"rest-report".into()).cache_ttl, Some(0.0), "routed by its name");
    for field in [
        "team",
        "tools.required_permissions",
        "tools.allowed_users",
        "tool_routing",
        "security.audit_log_path",
        "logging",
        "x-owner",
        "tools.3",
    ] {
        assert!(warned(&preview, field), "{field} has no effect and must be named: {:#?}", preview.warnings);
    }
    assert!(!warned(&preview, "tools.allowed_roles"), "an empty list asks for nothing");
    assert!(warned(&preview, "env.OPS_TOKEN"), "a plain secret is pointed at");
}

#[test]
fn a_document_comes_back_as_it_was_unknown_keys_included() {
    let preview = seen(V1);
    let applied = apply(&preview, &Choices::default()).unwrap();
    let file = export(&applied.servers, applied.document.as_ref(), ExportForm::McpConfig, PlainSecrets::WrittenOut, &no_tool).unwrap().file;
    let original: Json = serde_json::from_str(V1).unwrap();
    for key in ["version", "name", "description", "global_config", "tool_routing", "security", "logging", "x-owner"] {
        assert_eq!(file[key], original[key], "{key}");
    }
    for (server, before) in file["servers"].as_array().unwrap().iter().zip(original["servers"].as_array().unwrap()) {
        let mut before = before.as_object().unwrap().clone();
        before.retain(|_, value| !value.is_null());
        before.entry("enabled").or_insert(json!(true));
        assert_eq!(Json::Object(before), *server, "nothing is added and nothing is lost");
    }
    let tools = file["tools"].as_array().unwrap();
    assert_eq!(tools.len(), 4, "the tool without a server is kept too");
    for before in original["tools"].as_array().unwrap() {
        let after = tools.iter().find(|tool| tool["name"] == before["name"]).unwrap();
        for (key, value) in before.as_object().unwrap() {
            assert_eq!(after.get(key), Some(value), "{}: {key}", before["name"]);
        }
    }
    // A second import of the exported file changes nothing.
    let text = serde_json::to_string(&file).unwrap();
    let again = look(&text, None, &applied.servers).unwrap();
    assert!(again.added.is_empty() && again.changed.is_empty(), "{:#?}", again.changed);
    assert_eq!(again.unchanged.len(), 3);
}

#[test]
fn the_second_variant_is_read_too() {
    let preview = seen(V2);
    let servers = taken(&preview);
    assert_eq!(by_name(&servers, "stdio-one").protocol.as_str(), "subprocess");
    assert_eq!(by_name(&servers, "stdio-one").settings["timeout"], 300);
    assert_eq!(by_name(&servers, "builtin").settings["timeout"], 600, "the document's patience, where the server has none");
    assert!(warned(&preview, "implementation") && warned(&preview, "security.readonly_default"));
}

#[test]
fn an_assistants_programs_are_shown_with_their_exact_command_lines() {
    let preview = look(CLAUDE, Some("/home/ann/.config/Claude/claude_desktop_config.json"), &[]).unwrap();
    assert_eq!(preview.format, Format::ClaudeDesktop);
    let files = preview.programs.iter().find(|program| program.server == "files").unwrap();
    assert_eq!(files.argv, ["npx", "-y", "@modelcontextprotocol/server-filesystem", "/home/ann/docs"]);
    assert!(!files.warnings.is_empty(), "an unpinned download is pointed at");
    assert_eq!(preview.programs[1].env, ["TICKETS_API_KEY", "TICKETS_URL"]);
    let shown = serde_json::to_string(&preview).unwrap();
    assert!(!shown.contains("canary"), "{shown}");
    assert!(!format!("{preview:?}").contains("canary"), "neither does Debug");
    assert_eq!(
        by_name(&taken(&preview), "tickets").settings["env"]["TICKETS_API_KEY"],
        "canary-tickets-key",
        "what is saved has the value"
    );
}

#[test]
fn an_editors_inputs_become_references_and_a_password_is_never_stored() {
    let answers = BTreeMap::from([("api-key".to_owned(), "canary-answer".to_owned()), ("level".to_owned(), "high".to_owned())]);
    let source = Source { text: VSCODE, file_name: Some(".vscode/mcp.json"), name: None, inputs: Some(&answers) };
    let preview = preview(&source, &shapes(), &[], Millis(1)).unwrap();
    assert_eq!(preview.format, Format::VsCode);
    assert!(preview.refused.is_empty(), "{:?}", preview.refused);
    let servers = taken(&preview);
    let remote = by_name(&servers, "remote");
    assert_eq!(remote.protocol.as_str(), "stream_http", "an editor's http is MCP's streamable HTTP");
    assert_eq!(remote.settings["auth_headers"]["Authorization"], "Bearer ${API_KEY}");
    assert_eq!(remote.settings["auth_headers"]["X-Region"], "${REGION:-eu}");
    let local = by_name(&servers, "local");
    assert_eq!(local.settings["command"], "${WORKSPACE_FOLDER}/bin/server");
    assert_eq!(local.settings["args"], json!(["--level", "high", "--home", "${HOME}"]));
    assert_eq!(local.settings["env"]["PLAIN"], "costs $5 or $$$", "a dollar that means itself there means itself here");
    let asked: Vec<_> = preview.asked.iter().map(|asked| (asked.id.as_str(), asked.secret, asked.answered)).collect();
    assert_eq!(asked, [("api-key", true, false), ("region", false, false), ("level", false, true)]);
    assert!(warned(&preview, "inputs.api-key"), "the answer to a password was not taken");
    assert!(!serde_json::to_string(&servers).unwrap().contains("canary"));
}

#[test]
fn a_program_whose_variables_are_in_a_file_is_refused_with_the_file_and_the_way_out() {
    let text = r#"{ "servers": {
        "filed": { "type": "stdio", "command": "server", "envFile": "/home/ann/app/.env" },
        "bare": { "type": "stdio", "command": "server", "envFile": "" },
        "page": { "type": "http", "url": "https://a.test/mcp", "envFile": "/x" }
    } }"#;
    let preview = look(text, Some("/x/.vscode/mcp.json"), &[]).unwrap();
    let [refused] = preview.refused.as_slice() else { panic!("{:?}", preview.refused) };
    assert_eq!((refused.server.as_deref(), refused.field.as_str()), (Some("filed"), "envFile"));
    for (words, way) in [(&refused.reason.en, "write its variables into `env`"), (&refused.reason.zh, "写入 `env`")] {
        assert!(words.contains("/home/ann/app/.env") && words.contains(way), "{words}");
    }
    let names: Vec<_> = taken(&preview).iter().map(|server| server.name.clone()).collect();
    assert_eq!(names, ["bare", "page"], "where there is no file, or nothing that is started, nothing is missing");
    assert!(warned(&preview, "envFile"), "and what has no effect is said to have none");
}

#[test]
fn an_editors_addresses_tell_their_protocols_and_its_consent_is_not_taken() {
    let preview = look(CURSOR, Some("/x/.cursor/mcp.json"), &[]).unwrap();
    assert_eq!(preview.format, Format::Cursor);
    assert!(preview.refused.is_empty(), "{:?}", preview.refused);
    let servers = taken(&preview);
    let protocols: Vec<_> = ["events", "stream", "socket", "off"].map(|name| by_name(&servers, name).protocol.as_str().to_owned()).into();
    assert_eq!(protocols, ["sse", "stream_http", "websocket", "subprocess"]);
    assert_eq!(by_name(&servers, "events").settings["auth_headers"]["X-API-Key"], "${EVENTS_KEY}");
    assert_eq!(by_name(&servers, "stream").settings["timeout"], 20.0, "milliseconds there, seconds here");
    let off = by_name(&servers, "off");
    assert!(!off.enabled);
    for key in ["autoApprove", "trust"] {
        assert!(warned(&preview, key) && !off.extra.contains_key(key) && !off.settings.contains_key(key), "{key}");
    }
}

#[test]
fn an_import_never_carries_trust_or_a_start_of_its_own() {
    for key in ["trust", "trusted", "autoApprove", "alwaysAllow", "approvals", "autoStart", "start", "imported"] {
        let text = json!({ "name": "x", "type": "sse", "host": "h", "port": 1, (key): { "lazy": false } }).to_string();
        let servers = taken(&seen(&text));
        assert!(servers[0].origin.starts_with("import:"), "which is why it waits for a person");
        assert_eq!(servers[0].start, domain::server::StartRule::default());
        assert!(!servers[0].settings.contains_key(key) && servers[0].extra.get(key) != Some(&json!({ "lazy": false })), "{key}");
    }
}

#[test]
fn a_second_import_leaves_alone_what_the_person_settled() {
    let first = taken(&seen(V1));
    let mut mine = by_name(&first, "k8s-mcp").clone();
    mine.enabled = false;
    mine.settings.insert("enabled_tools".into(), json!(["k8s-get-pods"]));
    mine.settings.insert("host".into(), json!("my-own-host"));
    mine.set_tool_rule(&"k8s-get-pods".into(), &ToolRule { enabled: false, ..ToolRule::default() });
    let mut saved = first.clone();
    saved.retain(|server| server.name != "k8s-mcp");
    saved.push(mine.clone());

    // The same file again: nothing to do.
    let same = look(V1, None, &saved).unwrap();
    assert!(same.changed.is_empty(), "{:#?}", same.changed);

    // The file changed where I did not, and where I did.
    let text = V1
        .replace("\"port\": 8766", "\"port\": 9000")
        .replace("\"host\": \"localhost\"", "\"host\": \"new-host\"")
        .replace("[\"k8s-get-pods\", \"k8s-get-logs\", \"k8s-get-nodes\"]", "[\"k8s-get-pods\", \"k8s-get-logs\", \"k8s-get-events\"]");
    let next = look(&text, None, &saved).unwrap();
    let outcomes: BTreeMap<_, _> = next.changed[0].fields.iter().map(|diff| (diff.field.as_str(), diff.outcome)).collect();
    assert_eq!(outcomes, BTreeMap::from([("port", Outcome::Taken), ("host", Outcome::Conflict), ("enabled_tools", Outcome::Kept)]));
    assert!(next.changed[0].review, "what is reached changes, so a person must look");
    let after = taken(&next);
    let after = by_name(&after, "k8s-mcp");
    assert_eq!((&after.settings["port"], &after.settings["host"]), (&json!(9000), &json!("my-own-host")));
    assert_eq!(after.settings["enabled_tools"], json!(["k8s-get-pods"]));
    assert!(!after.enabled && !after.tool_rule(&"k8s-get-pods".into()).enabled);
    assert_eq!(after.id, mine.id);

    let by_file = apply(&next, &Choices { take_file: true, ..Choices::default() }).unwrap().servers;
    assert_eq!(by_name(&by_file, "k8s-mcp").settings["host"], "new-host", "asked for in so many words");
}

#[test]
fn a_server_that_was_made_here_keeps_what_a_file_does_not_have() {
    let mut mine = taken(&seen(SEED[2].2));
    mine[0].extra.clear();
    mine[0].origin = "cli".into();
    mine[0].settings.insert("proxy".into(), json!("none"));
    mine[0].settings.insert("disabled_tools".into(), json!(["k8s-delete-*"]));
    let text =
        json!({ "name": "k8s-sse", "type": "sse", "host": "other", "port": 8766, "path": "/events", "disabled_tools": [] }).to_string();
    let preview = look(&text, None, &mine).unwrap();
    let after = &taken(&preview)[0];
    assert_eq!((&after.settings["host"], &after.settings["proxy"]), (&json!("other"), &json!("none")));
    assert_eq!(after.settings["disabled_tools"], json!(["k8s-delete-*"]), "the choice of tools is the person's");
}

#[test]
fn what_was_seen_is_what_is_done() {
    let preview = seen(V1);
    let stale = Choices { digest: Some("0000".into()), ..Choices::default() };
    assert_eq!(apply(&preview, &stale).unwrap_err().code, "import_stale");
    let right = Choices { digest: Some(preview.digest.clone()), only: vec!["rest".into()], ..Choices::default() };
    assert_eq!(apply(&preview, &right).unwrap().servers.len(), 1);
    let skip = Choices { skip: vec!["rest".into()], ..Choices::default() };
    assert_eq!(apply(&preview, &skip).unwrap().servers.len(), 2);
    assert_eq!(apply(&preview, &Choices { only: vec!["nobody".into()], ..Choices::default() }).unwrap_err().code, "import_no_such_server");
    let mut saved = taken(&preview);
    let before = look(V1, None, &saved).unwrap().digest;
    saved[0].enabled = !saved[0].enabled;
    assert_ne!(look(V1, None, &saved).unwrap().digest, before, "the digest also speaks of what is saved");
}

#[test]
fn a_broken_file_is_refused_whole_with_its_place() {
    let broken = V1.replace("\"servers\": [", "\"servers\": [,");
    let fault = look(&broken, None, &[]).unwrap_err();
    assert_eq!(fault.code, "import_broken");
    assert_eq!(fault.params["line"], 13);
    assert!(!format!("{fault:?}").contains("canary"), "a fault quotes nothing of the file");
    for (text, code) in [
        ("", "import_broken"),
        ("{", "import_broken"),
        ("\u{0}", "import_broken"),
        ("{\"mcpServers\": []}", "import_broken"),
        ("{\"mcpServers\": {\"a\": {}, \"a\": {}}}", "import_broken"),
        ("[]", "import_unknown_format"),
        ("\"text\"", "import_unknown_format"),
        ("{\"foo\": 1}", "import_unknown_format"),
        ("{\"servers\": [] // c\n}", "import_broken"),
        ("{\"name\": \"x\", \"type\": \"sse\",}", "import_broken"),
    ] {
        assert_eq!(look(text, None, &[]).unwrap_err().code, code, "{text}");
    }
}

#[test]
fn a_wrong_type_or_value_is_refused_with_field_and_reason_and_the_others_are_taken() {
    for (entry, field) in [
        (json!({ "name": "x", "type": "carrier-pigeon" }), "type"),
        (json!({ "name": "x", "type": 3 }), "type"),
        (json!({ "name": "x", "type": "sse", "host": "h", "port": 70000 }), "port"),
        (json!({ "name": "x", "type": "sse", "host": "h", "port": "eighty" }), "port"),
        (json!({ "name": "x", "type": "sse", "host": "h", "port": 1, "timeout": -5 }), "timeout"),
        (json!({ "name": "x", "type": "sse", "host": "h", "port": 1, "enabled": "yes" }), "enabled"),
        (json!({ "name": "x", "type": "sse", "host": "h", "port": 1, "auth_headers": ["a"] }), "auth_headers"),
        (json!({ "name": "x", "type": "http" }), "base_url"),
        (json!({ "name": "x", "type": "subprocess" }), "command"),
        (json!({ "name": "x", "type": "subprocess", "command": "a", "args": "b" }), "args"),
        (json!({ "name": "", "type": "local" }), "name"),
        (json!({ "name": "bad\u{202e}name", "type": "local" }), "name"),
        (json!({ "name": "one-off:1", "type": "local" }), "name"),
        (json!({ "type": "local" }), "servers.0.name"),
        (json!("text"), "servers.0"),
    ] {
        let text = json!({ "servers": [entry, { "name": "good", "type": "local" }] }).to_string();
        let preview = seen(&text);
        assert_eq!(preview.refused.len(), 1, "{text}: {:?}", preview.refused);
        assert_eq!(preview.refused[0].field, field, "{text}: {:?}", preview.refused);
        assert!(!preview.refused[0].reason.zh.is_empty());
        assert_eq!(taken(&preview).len(), 1, "the other one is taken");
    }
    let twice = json!({ "servers": [{ "name": "a", "type": "local" }, { "name": "a", "type": "local" }] }).to_string();
    assert_eq!(seen(&twice).refused[0].field, "name");
    let global = json!({ "global_config": { "timeout": "soon", "max_concurrent_calls": 0 }, "servers": [] }).to_string();
    let fields: Vec<_> = seen(&global).refused.into_iter().map(|refused| refused.field).collect();
    assert_eq!(fields, ["global_config.timeout", "global_config.max_concurrent_calls"]);
}

#[test]
fn a_variable_that_is_not_set_does_not_hide_what_else_is_wrong() {
    let text = json!({ "name": "x", "type": "http", "base_url": "${NOWHERE}", "auth_token": "${K8S_TOKEN}" }).to_string();
    let preview = seen(&text);
    assert!(preview.refused.is_empty(), "{:?}", preview.refused);
    assert_eq!(preview.unset.len(), 1);
    assert_eq!((preview.unset[0].variable.as_str(), preview.unset[0].field.as_str()), ("NOWHERE", "base_url"));
    let text = json!({ "name": "x", "type": "sse", "host": "${NOWHERE}", "port": 70000 }).to_string();
    assert_eq!(seen(&text).refused[0].field, "port");
}

#[test]
fn a_file_that_is_large_or_deep_or_full_of_servers_does_no_harm() {
    let large = format!("{{\"mcpServers\": {{\"x\": {{\"command\": \"{}\"}}}}}}", "a".repeat(10 * 1024 * 1024));
    assert_eq!(look(&large, None, &[]).unwrap_err().code, "import_too_large");
    let deep = format!("{{\"mcpServers\": {}1{}}}", "{\"a\":".repeat(50_000), "}".repeat(50_000));
    assert_eq!(look(&deep, None, &[]).unwrap_err().code, "import_broken");
    let many: JsonMap = (0..2_000).map(|nth| (format!("s{nth}"), json!({ "command": "x" }))).collect();
    assert_eq!(seen(&json!({ "mcpServers": many }).to_string()).added.len(), 2_000);
}

#[test]
fn an_export_leaves_plain_secrets_out_unless_it_is_asked_for_them() {
    let servers = taken(&seen(V1));
    let out = export(&servers, None, ExportForm::McpConfig, PlainSecrets::Referenced, &no_tool).unwrap();
    let text = out.file.to_string();
    assert!(!text.contains("canary"), "{text}");
    assert_eq!(out.variables, ["HELPER_OPS_TOKEN"]);
    assert!(text.contains("${HELPER_OPS_TOKEN}") && text.contains("${K8S_TOKEN}"), "references leave as they stand");
    assert!(out.warnings.iter().any(|warning| warning.field == "env.OPS_TOKEN"));
    let all = export(&servers, None, ExportForm::McpConfig, PlainSecrets::WrittenOut, &no_tool).unwrap();
    assert!(all.file.to_string().contains("canary-plain-token"));
}

#[test]
fn a_map_for_editors_says_what_it_cannot_say() {
    let mut servers = taken(&seen(V1));
    servers.extend(taken(&look(CURSOR, Some(".cursor/mcp.json"), &[]).unwrap()));
    let out = export(&servers, None, ExportForm::McpServers, PlainSecrets::Referenced, &no_tool).unwrap();
    let map = &out.file["mcpServers"];
    assert_eq!(map["k8s-mcp"]["url"], "http://localhost:8766/events");
    assert_eq!(map["k8s-mcp"]["headers"]["Authorization"], "Bearer ${K8S_TOKEN}");
    assert_eq!((&map["helper"]["command"], &map["helper"]["disabled"]), (&json!("python3"), &json!(true)));
    assert_eq!(map["stream"], json!({ "type": "http", "url": "http://127.0.0.1:9002/mcp" }));
    let left_out: Vec<_> =
        out.warnings.iter().filter(|warning| warning.field == "type").filter_map(|warning| warning.server.as_deref()).collect();
    assert_eq!(left_out, ["rest", "socket"], "REST and WebSocket have no place there");
    // And in again: the same servers.
    let again = look(&out.file.to_string(), None, &servers).unwrap();
    assert!(again.added.is_empty() && again.refused.is_empty(), "{:?} {:?}", again.added, again.refused);
    assert_eq!(export(&servers, None, ExportForm::Single, PlainSecrets::Referenced, &no_tool).unwrap_err().code, "export_one");
}

#[test]
fn a_single_object_is_a_one_off_without_a_trace_of_an_import() {
    let (def, _) = single(&Source { text: SEED[0].2, ..Source::default() }, &shapes(), Millis(1)).unwrap();
    assert!(def.extra.is_empty(), "{:?}", def.extra);
    let source = |text| Source { text, name: Some("named"), ..Source::default() };
    let (def, _) = single(&source("{\"command\": \"ops-server\"}"), &shapes(), Millis(1)).unwrap();
    assert_eq!((def.name.as_str(), def.protocol.as_str()), ("named", "subprocess"));
    let (def, _) = single(&source("{\"type\": \"http\", \"url\": \"http://127.0.0.1:1/mcp\"}"), &shapes(), Millis(1)).unwrap();
    assert_eq!(def.protocol.as_str(), "stream_http", "a bare url is what editors mean by http");
    let (def, _) = single(&source("{\"type\": \"http\", \"base_url\": \"http://127.0.0.1:1\"}"), &shapes(), Millis(1)).unwrap();
    assert_eq!(def.protocol.as_str(), "http", "a base_url is the REST form");
    assert_eq!(single(&source(V1), &shapes(), Millis(1)).unwrap_err().code, "import_one");
    assert_eq!(single(&source("{\"type\": \"sse\", \"port\": 1, \"host\": 3}"), &shapes(), Millis(1)).unwrap_err().params["field"], "host");
}

#[test]
fn the_document_survives_its_own_store() {
    let applied = apply(&seen(V1), &Choices::default()).unwrap();
    let kept = serde_json::to_value(&applied.document).unwrap();
    let back: Option<Document> = serde_json::from_value(kept).unwrap();
    assert_eq!(back, applied.document);
}

/// JSON of any shape, with keys that mean something here.
fn any_json() -> impl proptest::strategy::Strategy<Value = Json> {
    use proptest::prelude::Strategy as _;
    let leaf = proptest::prop_oneof![
        proptest::strategy::Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        any::<i32>().prop_map(Json::from),
        "[a-z${}:/@=-]{0,12}".prop_map(Json::from),
    ];
    leaf.prop_recursive(4, 48, 6, |inner| {
        let key = proptest::sample::select(vec![
            "servers",
            "mcpServers",
            "tools",
            "name",
            "type",
            "command",
            "args",
            "env",
            "url",
            "headers",
            "inputs",
            "global_config",
            "timeout",
            "enabled",
            "auth_headers",
            "security",
            "rate_limit",
            "server_name",
            "default_parameters",
            "a",
            "${A}",
            "",
        ]);
        proptest::prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Json::from),
            proptest::collection::vec((key, inner), 0..6)
                .prop_map(|pairs| { Json::Object(pairs.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()) }),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn no_text_of_any_shape_makes_the_import_panic(value in any_json()) {
        let shapes = shapes();
        let text = value.to_string();
        if let Ok(preview) = preview(&Source { text: &text, ..Source::default() }, &shapes, &[], Millis(1)) {
            let servers = apply(&preview, &Choices::default()).unwrap().servers;
            let again = app::imports::preview(&Source { text: &text, ..Source::default() }, &shapes, &servers, Millis(2)).unwrap();
            prop_assert!(again.added.is_empty() && again.changed.is_empty(), "a second import of the same file changes nothing: {again:?}");
            let _ = export(&servers, None, ExportForm::McpServers, PlainSecrets::Referenced, &no_tool).unwrap();
        }
    }
}
