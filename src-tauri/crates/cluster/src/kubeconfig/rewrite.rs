//! Puts a call of our helper where a user's credential stands, and touches nothing else: not a comment, not a quote, not a line's end.
//!
//! **Invariant:** what comes out was read again and compared: beside the credential of the rewritten users, both texts mean the same.

mod split;

use std::ops::Range;
use std::path::{Path, PathBuf};

use domain::fault::Fault;
use domain::id::ClusterId;
use domain::kubeconfig::{Refusal, Rewiring, Rewrite};
use domain::vault::SecretBytes;
use serde_json::json;
use yaml::{Entry, Node, Profile};
use zeroize::Zeroizing;

use super::document::{self, Document, Found};
use super::source::{List, decode, encode, read};
use super::user::{self, CREDENTIAL};
use super::{Helper, fault};

/// The protocol that our helper speaks.
const API_VERSION: &str = "client.authentication.k8s.io/v1";

/// Works a rewriting out and proves it.
pub(super) fn plan(file: &Path, beside: &[PathBuf], wants: &[Rewiring], helper: &Helper) -> Result<Rewrite, Fault> {
    let before = read(file)?;
    let named = std::path::absolute(file).unwrap_or_else(|_| file.to_owned());
    let mut documents = vec![document::of_file(&named, &before)?];
    for other in beside {
        let bytes = read(other)?;
        if bytes.path != before.path {
            documents.push(document::of_file(other, &bytes)?);
        }
    }
    let list = List { documents, files: Vec::new(), digest: String::new() };
    let Some(mine) = list.documents.first() else { return Err(fault::defect("rewriting a kubeconfig")) };
    let (decoded, encoding) = decode(before.bytes.expose()).map_err(|(en, zh)| fault::unreadable(file, en, zh))?;
    if encode(&decoded, encoding).as_slice() != before.bytes.expose() {
        return Err(fault::unreadable(file, "its encoding cannot be kept", "无法保持其编码"));
    }

    let mut text = decoded;
    let mut contexts = Vec::new();
    let mut refused = Vec::new();
    let mut done: Vec<String> = Vec::new();
    for want in wants {
        match wire(&list, mine, want, wants, helper, &text, &done) {
            Ok(Wired::Already) => contexts.push(want.context.clone()),
            Ok(Wired::Text(new, user)) => {
                text = new;
                done.push(user);
                contexts.push(want.context.clone());
            }
            Err(refusal) => refused.push((want.context.clone(), refusal)),
        }
    }
    let after = SecretBytes::new(encode(&text, mine.encoding).as_slice());
    Ok(Rewrite { before, after, contexts, refused })
}

enum Wired {
    /// Another context of the same user and cluster saw to it.
    Already,
    Text(Zeroizing<String>, String),
}

fn wire(
    list: &List,
    mine: &Document,
    want: &Rewiring,
    all: &[Rewiring],
    helper: &Helper,
    text: &Zeroizing<String>,
    done: &[String],
) -> Result<Wired, Refusal> {
    let contexts = list.contexts();
    let unsafe_to = |found: &Found<'_>| found.cluster.is_some_and(|(_, cluster)| user::truth(cluster, "insecure-skip-tls-verify"));
    let found = contexts
        .iter()
        .find(|found| found.name == want.context)
        .ok_or_else(|| Refusal::new("no_such_context", "the file has no such context", "文件中没有该上下文"))?;
    let Some((document, node)) = found.user else {
        return Err(Refusal::new("nothing_to_rewrite", "the context has no user in the file", "该上下文在文件中没有用户"));
    };
    if !std::ptr::eq(document, mine) {
        return Err(Refusal::new("other_file", "the user stands in another file", "该用户位于另一个文件中"));
    }
    if user::kinds(node).is_empty() {
        return Err(Refusal::new("nothing_to_rewrite", "the user has no credential in the file", "该用户在文件中没有凭据"));
    }
    if unsafe_to(found) {
        return Err(Refusal::new(
            "skip_verify",
            "the file leaves the server's certificate unchecked, and pilot gives no credential to a server that anybody may be: give the cluster its certificate-authority first",
            "该文件不检查服务器证书，而 pilot 不会把凭据交给身份不明的服务器：请先为该集群配置 certificate-authority",
        ));
    }
    if done.contains(&found.user_name) {
        return Ok(Wired::Already);
    }
    let root = yaml::tree(text, &Profile::KUBECONFIG).map_err(|_| shape())?;
    let groups = split::groups(&contexts, &found.user_name);
    let edited = if groups.len() > 1 {
        if let Some(other) = contexts.iter().find(|other| other.user_name == found.user_name && unsafe_to(other)) {
            return Err(split::shared(found, &[other.name], "which is not rewritten", "不会被改写"));
        }
        split::split(list, mine, found, &groups, all, helper, text)?
    } else {
        let edited = replaced(text, &root, &found.user_name, &stanza(helper, &want.id))?;
        proven(text, &edited, &found.user_name, &stanza(helper, &want.id))?;
        edited
    };
    Ok(Wired::Text(edited, found.user_name.clone()))
}

fn shape() -> Refusal {
    Refusal::new(
        "rewrite_shape",
        "the user is written in a way (anchors, explicit keys) in which its credential cannot be taken out without changing something else: write it plainly",
        "该用户的写法（锚点、显式键等）使得无法在不改动其他内容的情况下取出凭据：请改用普通写法",
    )
}

fn stanza(helper: &Helper, id: &ClusterId) -> serde_json::Value {
    let mut args = vec!["kube-credential", "--id", id.as_str()];
    if let Some(dir) = &helper.config_dir {
        args.extend(["--config-dir", dir]);
    }
    json!({
        "apiVersion": API_VERSION,
        "command": helper.program,
        "args": args,
        "interactiveMode": "Never",
        "provideClusterInfo": true,
    })
}

/// One change of the text.
struct Edit {
    range: Range<usize>,
    with: String,
}

fn replaced(text: &str, root: &Node, name: &str, stanza: &serde_json::Value) -> Result<Zeroizing<String>, Refusal> {
    let users = root.get("users").map(Node::items).unwrap_or_default();
    let item = users.iter().find(|item| item.get("name").and_then(Node::text) == Some(name)).ok_or_else(shape)?;
    let user = item.get("user").ok_or_else(shape)?;
    if item.alias || user.alias {
        return Err(shape());
    }
    applied(text, if user.flow { in_brackets(text, user, stanza)? } else { in_lines(text, user, stanza)? })
}

fn applied(text: &str, mut edits: Vec<Edit>) -> Result<Zeroizing<String>, Refusal> {
    edits.sort_by_key(|edit| edit.range.start);
    let mut new = Zeroizing::new(String::with_capacity(text.len() + 1024));
    let mut at = 0;
    for edit in edits {
        new.push_str(text.get(at..edit.range.start).ok_or_else(shape)?);
        new.push_str(&edit.with);
        at = edit.range.end;
    }
    new.push_str(text.get(at..).ok_or_else(shape)?);
    Ok(new)
}

fn is_credential(entry: &Entry) -> bool {
    entry.key.text().is_some_and(|key| CREDENTIAL.contains(&key))
}

/// The credential's entries, the one that the stanza takes the place of first.
fn credential_entries(user: &Node) -> impl Iterator<Item = (usize, &Entry)> {
    user.entries().iter().enumerate().filter(|(_, entry)| is_credential(entry))
}

/// In block style whole lines are replaced. Comments at their ends stay.
fn in_lines(text: &str, user: &Node, stanza: &serde_json::Value) -> Result<Vec<Edit>, Refusal> {
    let mut edits = Vec::new();
    for (nth, (_, entry)) in credential_entries(user).enumerate() {
        let key_at = entry.key.span.start;
        let line_at = text.get(..key_at).ok_or_else(shape)?.rfind(['\n', '\r']).map_or(0, |at| at + 1);
        let indent = text.get(line_at..key_at).ok_or_else(shape)?;
        if !indent.chars().all(|c| c == ' ') {
            return Err(shape());
        }
        let end = end_of(text, entry)?;
        let rest = text.get(end..).ok_or_else(shape)?;
        let to_line_end = rest.find(['\n', '\r']).unwrap_or(rest.len());
        let tail = rest.get(..to_line_end).ok_or_else(shape)?;
        let line_break = break_at(rest.get(to_line_end..).unwrap_or_default());
        let mut comments: Vec<&str> = header_comment(text, entry).into_iter().collect();
        let tail = tail.trim();
        if !tail.is_empty() {
            if !tail.starts_with('#') {
                return Err(shape());
            }
            comments.push(tail);
        }
        let comment = comments.join(" ");
        if nth == 0 {
            let usual = if line_break.is_empty() { usual_break(text) } else { line_break };
            edits.push(Edit { range: line_at..end + to_line_end, with: block(indent, &comment, usual, stanza) });
        } else if comment.is_empty() {
            edits.push(Edit { range: line_at..end + to_line_end + line_break.len(), with: String::new() });
        } else {
            edits.push(Edit { range: line_at..end + to_line_end, with: format!("{indent}{comment}") });
        }
    }
    if edits.is_empty() { Err(shape()) } else { Ok(edits) }
}

fn break_at(rest: &str) -> &'static str {
    if rest.starts_with("\r\n") {
        "\r\n"
    } else if rest.starts_with('\n') {
        "\n"
    } else if rest.starts_with('\r') {
        "\r"
    } else {
        ""
    }
}

fn usual_break(text: &str) -> &'static str {
    text.find(['\n', '\r']).map_or("\n", |at| break_at(text.get(at..).unwrap_or_default()))
}

/// Where an entry ends. One without a value ends with its colon.
fn end_of(text: &str, entry: &Entry) -> Result<usize, Refusal> {
    let (key, value) = (&entry.key.span, &entry.value.span);
    if value.end > key.end && !value.is_empty() {
        return Ok(value.end);
    }
    let after = text.get(key.end..).ok_or_else(shape)?;
    after.find(':').map(|colon| key.end + colon + 1).ok_or_else(shape)
}

/// A comment behind `|` or `>`.
fn header_comment<'t>(text: &'t str, entry: &Entry) -> Option<&'t str> {
    if !matches!(entry.value.kind, yaml::Kind::Scalar(_, yaml::Style::Block)) {
        return None;
    }
    let header = text.get(entry.key.span.end..)?.lines().next()?;
    header.find(" #").and_then(|at| header.get(at + 1..)).map(str::trim_end)
}

fn block(indent: &str, comment: &str, line_break: &str, stanza: &serde_json::Value) -> String {
    let space = if comment.is_empty() { "" } else { " " };
    let mut lines = vec![format!("{indent}exec:{space}{comment}")];
    let entries = stanza.as_object().into_iter().flatten();
    lines.extend(entries.map(|(key, value)| {
        let plain = value.as_str().filter(|text| *text == API_VERSION || *text == "Never");
        format!("{indent}  {key}: {}", plain.map_or_else(|| value.to_string(), str::to_owned))
    }));
    lines.join(line_break)
}

/// In brackets the entries themselves are replaced, with the comma before them.
fn in_brackets(text: &str, user: &Node, stanza: &serde_json::Value) -> Result<Vec<Edit>, Refusal> {
    let mut edits = Vec::new();
    for (nth, (place, entry)) in credential_entries(user).enumerate() {
        let range = entry.key.span.start..end_of(text, entry)?;
        if nth == 0 {
            edits.push(Edit { range, with: format!("\"exec\": {stanza}") });
            continue;
        }
        let before = place.checked_sub(1).and_then(|place| user.entries().get(place)).ok_or_else(shape)?;
        let gap = end_of(text, before)?..range.start;
        let comma = gap.start + comma_in(text.get(gap.clone()).ok_or_else(shape)?).ok_or_else(shape)?;
        let between = text.get(comma + 1..range.start).ok_or_else(shape)?;
        if between.trim().is_empty() {
            edits.push(Edit { range: comma..range.end, with: String::new() });
        } else {
            edits.push(Edit { range: comma..comma + 1, with: String::new() });
            edits.push(Edit { range, with: String::new() });
        }
    }
    if edits.is_empty() { Err(shape()) } else { Ok(edits) }
}

/// The comma between two entries; one in a comment is none.
fn comma_in(gap: &str) -> Option<usize> {
    let mut comment = false;
    for (at, c) in gap.char_indices() {
        match c {
            '\n' | '\r' => comment = false,
            '#' => comment = true,
            ',' if !comment => return Some(at),
            _ => {}
        }
    }
    None
}

/// Reads both texts again: the second must be the first with the user's credential exchanged, and nothing else.
fn proven(before: &str, after: &str, name: &str, stanza: &serde_json::Value) -> Result<(), Refusal> {
    let mut wanted = yaml::value(before, &Profile::KUBECONFIG).map_err(|_| shape())?;
    exchange(&mut wanted, name, stanza)?;
    same(&wanted, after)
}

/// Whether a text means this.
fn same(wanted: &serde_json::Value, text: &str) -> Result<(), Refusal> {
    let got = yaml::value(text, &Profile::KUBECONFIG).map_err(|_| shape())?;
    if got == *wanted { Ok(()) } else { Err(shape()) }
}

/// Exchanges the credential of a user in what a text means.
fn exchange(config: &mut serde_json::Value, name: &str, stanza: &serde_json::Value) -> Result<(), Refusal> {
    let users = config.get_mut("users").and_then(serde_json::Value::as_array_mut).ok_or_else(shape)?;
    let user = users
        .iter_mut()
        .find(|item| item.get("name").and_then(serde_json::Value::as_str) == Some(name))
        .and_then(|item| item.get_mut("user"))
        .and_then(serde_json::Value::as_object_mut)
        .ok_or_else(shape)?;
    user.retain(|key, _| !CREDENTIAL.contains(&key.as_str()));
    user.insert("exec".into(), stanza.clone());
    Ok(())
}
