//! How risky a run of a tool is: its name, then what its server says of it, then the person's own word.
//!
//! **Invariant:** a server's annotations can raise the risk that the name gives, and never lower it. Only a person lowers it.

use domain::text::Text;
use domain::tool::{Annotations, Risk, Tool};

/// Tools that we know by their whole name. The `k8s-…` ones are the predecessor's own ratings (and its rule that creating, deleting,
/// patching, restarting and rolling back a workload is high); `fs-write-file` always wants a person.
const KNOWN: &[(&str, Risk)] = &[
    ("fs-write-file", Risk::High),
    ("k8s-cluster-summary", Risk::Safe),
    // What was approved and applied stays: nothing in the cluster changes.
    ("k8s-confirm", Risk::Low),
    ("k8s-create-deployment", Risk::High),
    ("k8s-create-service", Risk::Medium),
    ("k8s-exec-pod", Risk::High),
    ("k8s-generate-deployment-yaml", Risk::Low),
    ("k8s-llm-generate-deployment", Risk::Low),
    ("k8s-patch-service", Risk::Medium),
    ("k8s-rehearse", Risk::Safe),
    // A way into the cluster's network, open to every program of this machine.
    ("k8s-port-forward", Risk::Medium),
    ("k8s-relation-query", Risk::Safe),
    ("k8s-rollout-history", Risk::Safe),
    ("k8s-rollout-status", Risk::Safe),
    // Closes a way that was open here.
    ("k8s-stop-port-forward", Risk::Low),
    ("k8s-update-service", Risk::Medium),
];

/// Words that mean harm wherever they stand in a name.
const HIGH: &[&str] = &[
    "annihilate",
    "bash",
    "cmd",
    "del",
    "delete",
    "destroy",
    "drain",
    "erase",
    "eval",
    "evaluate",
    "evict",
    "exec",
    "execute",
    "kill",
    "nuke",
    "overwrite",
    "powershell",
    "prune",
    "purge",
    "reboot",
    "remove",
    "revoke",
    "rm",
    "rmdir",
    "rollback",
    "shell",
    "shutdown",
    "ssh",
    "sudo",
    "terminate",
    "truncate",
    "uninstall",
    "unlink",
    "wipe",
];

/// Words that mean harm as the verb of a name, and are nouns elsewhere: `run_job` and `list_runs`, `drop_table` and `get_drop`.
const HIGH_VERBS: &[&str] = &["drop", "format", "run", "spawn", "stop", "undo", "reset"];

/// Words that change something wherever they stand in a name.
const MEDIUM: &[&str] = &[
    "apply", "attach", "cordon", "create", "detach", "disable", "edit", "enable", "insert", "install", "modify", "mkdir", "move", "mv",
    "patch", "publish", "push", "put", "rename", "replace", "restart", "restore", "resume", "scale", "send", "submit", "suspend",
    "uncordon", "update", "upgrade", "upload", "upsert", "write",
];

/// Words that change something as the verb of a name, and are nouns elsewhere: `set_image` and `list_set`, `post_message` and `get_post`.
const MEDIUM_VERBS: &[&str] = &[
    "add", "annotate", "append", "approve", "assign", "cancel", "change", "clone", "close", "comment", "commit", "copy", "deploy",
    "expose", "fork", "import", "invite", "label", "load", "lock", "mark", "merge", "open", "pause", "post", "rebase", "register",
    "rollout", "save", "set", "start", "store", "sync", "tag", "taint", "toggle", "trigger", "unlock", "unset", "click", "fill", "type",
    "press", "navigate",
];

/// Words of reading.
const SAFE: &[&str] = &[
    "analyse",
    "analyze",
    "browse",
    "calculate",
    "check",
    "compare",
    "convert",
    "count",
    "describe",
    "diff",
    "echo",
    "explain",
    "export",
    "fetch",
    "find",
    "get",
    "grep",
    "head",
    "health",
    "help",
    "info",
    "inspect",
    "list",
    "logs",
    "lookup",
    "ls",
    "metrics",
    "now",
    "ping",
    "preview",
    "print",
    "query",
    "read",
    "resolve",
    "retrieve",
    "search",
    "show",
    "stat",
    "stats",
    "status",
    "summarize",
    "summary",
    "tail",
    "top",
    "tree",
    "validate",
    "version",
    "view",
    "watch",
    "whoami",
];

/// Splits `fooBar_baz-qux.2` into `foo`, `bar`, `baz`, `qux`, `2`.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut before = ' ';
    for letter in name.chars() {
        let starts = letter.is_uppercase() && (before.is_lowercase() || before.is_ascii_digit());
        if (!letter.is_alphanumeric() || starts) && words.last().is_some_and(|word| !word.is_empty()) {
            words.push(String::new());
        }
        if letter.is_alphanumeric()
            && let Some(word) = words.last_mut()
        {
            word.extend(letter.to_lowercase());
        }
        before = letter;
    }
    words.retain(|word| !word.is_empty());
    words
}

/// Whether a word is the verb itself or the verb with something glued on (`deletepod`), but not a form of it (`deleted`, `updates`).
fn is_or_begins(word: &str, verb: &str) -> bool {
    match word.strip_prefix(verb) {
        None => false,
        Some("") => true,
        Some(rest) => {
            let form = matches!(rest, "d" | "s" | "es" | "ed" | "r" | "rs" | "er" | "ers" | "ing");
            let noun = ["ion", "ation", "ment", "able"].iter().any(|end| rest.starts_with(end));
            verb.len() >= 5 && !form && !noun
        }
    }
}

/// What a name alone says; `None` when it says nothing.
pub(crate) fn of_name(name: &str) -> Option<Risk> {
    let lower = name.to_lowercase();
    if let Some((_, risk)) = KNOWN.iter().find(|(known, _)| *known == lower) {
        return Some(*risk);
    }
    let words = words(name);
    let mut found: Option<Risk> = None;
    let mut raise = |risk: Risk| found = Some(found.map_or(risk, |was| was.max(risk)));
    // Once a verb is found, a further verb counts only after "and", "or", "then": in `list_run` the run is a thing.
    let mut verb_seen = false;
    for word in &words {
        if matches!(word.as_str(), "and" | "or" | "then") {
            verb_seen = false;
            continue;
        }
        if HIGH.iter().any(|verb| is_or_begins(word, verb)) {
            raise(Risk::High);
            verb_seen = true;
        } else if MEDIUM.iter().any(|verb| is_or_begins(word, verb)) {
            raise(Risk::Medium);
            verb_seen = true;
        } else if SAFE.contains(&word.as_str()) {
            raise(Risk::Safe);
            verb_seen = true;
        } else if !verb_seen && HIGH_VERBS.contains(&word.as_str()) {
            raise(Risk::High);
            verb_seen = true;
        } else if !verb_seen && MEDIUM_VERBS.contains(&word.as_str()) {
            raise(Risk::Medium);
            verb_seen = true;
        }
    }
    // The predecessor rates what its cluster tools do to workloads higher than a name alone would.
    if lower.starts_with("k8s-") && words.iter().any(|word| matches!(word.as_str(), "create" | "patch" | "restart" | "rollback" | "edit")) {
        return Some(Risk::High);
    }
    found
}

/// Name and annotations together.
pub(crate) fn of_tool(tool: &Tool) -> Risk {
    let Annotations { read_only_hint, destructive_hint, open_world_hint, .. } = tool.annotations;
    let mut risk = of_name(tool.name.as_str()).unwrap_or(if read_only_hint == Some(true) { Risk::Low } else { Risk::Medium });
    if destructive_hint == Some(true) {
        risk = risk.max(Risk::High);
    }
    if read_only_hint == Some(false) {
        risk = risk.max(Risk::Medium);
    }
    if open_world_hint == Some(true) {
        risk = risk.max(Risk::Low);
    }
    risk
}

/// Why a tool is rated as it is, for people.
pub(crate) fn reason(tool: &Tool) -> Text {
    let name = of_name(tool.name.as_str());
    let rated = of_tool(tool);
    match name {
        Some(by_name) if by_name == rated => Text::new("by its name", "根据名称判断"),
        Some(_) => Text::new("raised by what the server says of it", "因服务器自己的说明而调高"),
        None if rated == Risk::Low => {
            Text::new("its name says nothing; the server says that it only reads", "名称看不出用途；服务器称其只读")
        }
        None => Text::new("its name says nothing, so it counts as changing something", "名称看不出用途，按会变更处理"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tool(name: &str, annotations: Annotations) -> Tool {
        Tool {
            name: name.into(),
            title: None,
            description: String::new(),
            input_schema: serde_json::json!({ "type": "object" }),
            output_schema: None,
            annotations,
        }
    }

    #[test]
    fn names_are_rated_by_their_verbs() {
        let table = [
            ("echo", Some(Risk::Safe)),
            ("get_pods", Some(Risk::Safe)),
            ("getPods", Some(Risk::Safe)),
            ("pods_list", Some(Risk::Safe)),
            ("list_runs", Some(Risk::Safe)),
            ("get_workflow_run", Some(Risk::Safe)),
            ("get_deleted_items", Some(Risk::Safe)),
            ("get_settings", Some(Risk::Safe)),
            ("fs-read-file", Some(Risk::Safe)),
            ("fs-list-directory", Some(Risk::Safe)),
            ("fs-search-files", Some(Risk::Safe)),
            ("fs-write-file", Some(Risk::High)),
            ("k8s-get-endpoints", Some(Risk::Safe)),
            ("k8s-describe-pod", Some(Risk::Safe)),
            ("k8s-get-deployment-history", Some(Risk::Safe)),
            ("list_attachments", Some(Risk::Safe)),
            ("k8s-rollout-status", Some(Risk::Safe)),
            ("k8s-relation-query", Some(Risk::Safe)),
            ("k8s-cluster-summary", Some(Risk::Safe)),
            ("k8s-generate-deployment-yaml", Some(Risk::Low)),
            ("k8s-create-deployment", Some(Risk::High)),
            ("k8s-create-service", Some(Risk::Medium)),
            ("k8s-port-forward", Some(Risk::Medium)),
            ("k8s-stop-port-forward", Some(Risk::Low)),
            ("k8s-list-port-forwards", Some(Risk::Safe)),
            ("k8s-update-service", Some(Risk::Medium)),
            ("k8s-patch-service", Some(Risk::Medium)),
            ("k8s-scale-deployment", Some(Risk::Medium)),
            ("k8s-restart-deployment", Some(Risk::High)),
            ("k8s-rollback-deployment", Some(Risk::High)),
            ("k8s-patch-deployment", Some(Risk::High)),
            ("k8s-delete-resource", Some(Risk::High)),
            ("k8s-exec-pod", Some(Risk::High)),
            ("pods_delete", Some(Risk::High)),
            ("deletePod", Some(Risk::High)),
            ("deletepod", Some(Risk::High)),
            ("DELETE_POD", Some(Risk::High)),
            ("search_and_drop", Some(Risk::High)),
            ("pods_exec", Some(Risk::High)),
            ("pods_run", Some(Risk::High)),
            ("run", Some(Risk::High)),
            ("nodes.drain", Some(Risk::High)),
            ("create_issue", Some(Risk::Medium)),
            ("set_image", Some(Risk::Medium)),
            ("get_or_create", Some(Risk::Medium)),
            ("resources_scale", Some(Risk::Medium)),
            ("write_file", Some(Risk::Medium)),
            ("frobnicate", None),
            ("", None),
            ("删除", None),
        ];
        for (name, risk) in table {
            assert_eq!(of_name(name), risk, "{name}");
        }
    }

    #[test]
    fn a_server_can_raise_the_risk_of_its_tool_and_never_lower_it() {
        let claims = |read_only, destructive, open_world| Annotations {
            read_only_hint: read_only,
            destructive_hint: destructive,
            open_world_hint: open_world,
            ..Annotations::default()
        };
        let options = [None, Some(false), Some(true)];
        for name in ["get_x", "create_x", "delete_x", "k8s-generate-deployment-yaml"] {
            let alone = of_name(name).unwrap();
            for read_only in options {
                for destructive in options {
                    for open_world in options {
                        let rated = of_tool(&tool(name, claims(read_only, destructive, open_world)));
                        assert!(rated >= alone, "{name} {read_only:?} {destructive:?} {open_world:?}: {rated:?} < {alone:?}");
                        assert!(destructive != Some(true) || rated == Risk::High, "{name}: destructive is high");
                    }
                }
            }
        }
        assert_eq!(of_tool(&tool("frobnicate", claims(Some(true), None, None))), Risk::Low, "unknown, and it says that it reads");
        assert_eq!(of_tool(&tool("frobnicate", claims(None, None, None))), Risk::Medium, "unknown, and it says nothing");
    }
}
