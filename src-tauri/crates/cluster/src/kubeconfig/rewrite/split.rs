//! A user that serves several clusters: one stanza names one cluster, so each cluster but one gets a user of its own, and its contexts
//! point there.

use std::collections::BTreeSet;

use domain::id::ClusterId;
use domain::kubeconfig::{Refusal, Rewiring};
use serde_json::{Value as Json, json};
use yaml::{Kind, Node, Profile, Style};
use zeroize::Zeroizing;

use super::super::Helper;
use super::super::document::{Document, Found};
use super::super::source::List;
use super::super::user::CREDENTIAL;
use super::{Edit, applied, block, break_at, exchange, replaced, same, shape, stanza, usual_break};

/// The contexts of a user by the cluster that they mean, in the order of the files.
pub(super) fn groups<'f, 'l>(contexts: &'f [Found<'l>], user: &str) -> Vec<Vec<&'f Found<'l>>> {
    let mut groups: Vec<Vec<&Found<'_>>> = Vec::new();
    for found in contexts.iter().filter(|found| found.user_name == user) {
        match groups.iter_mut().find(|group| group.first().is_some_and(|first| first.cluster_name == found.cluster_name)) {
            Some(group) => group.push(found),
            None => groups.push(vec![found]),
        }
    }
    groups
}

/// Why a user of several clusters is left as it is.
pub(super) fn shared(found: &Found<'_>, others: &[&str], en: &str, zh: &str) -> Refusal {
    let names = others.join(", ");
    Refusal::new(
        "user_shared",
        format!(
            "the user {} serves other clusters too, and would still be needed as it is by {names}, {en}: give each cluster a user of its own in the file, then import again",
            found.user_name
        ),
        format!(
            "用户 {} 还用于其他集群，{names} 仍需要它保持原样（{zh}）：请在文件中为每个集群单独设置用户，然后重新导入",
            found.user_name
        ),
    )
}

/// A user to be added.
struct New<'f> {
    name: String,
    stanza: Json,
    contexts: Vec<&'f str>,
}

/// Exchanges the user's credential for the stanza of one cluster, and adds a user for each other.
pub(super) fn split(
    list: &List,
    mine: &Document,
    found: &Found<'_>,
    groups: &[Vec<&Found<'_>>],
    all: &[Rewiring],
    helper: &Helper,
    text: &Zeroizing<String>,
) -> Result<Zeroizing<String>, Refusal> {
    let id_of = |group: &Vec<&Found<'_>>| -> Option<ClusterId> {
        all.iter().find(|want| group.iter().any(|context| context.name == want.context)).map(|want| want.id.clone())
    };
    let left: Vec<&str> = groups.iter().filter(|group| id_of(group).is_none()).flatten().map(|context| context.name).collect();
    if !left.is_empty() {
        return Err(shared(found, &left, "which was not imported", "尚未导入"));
    }
    // Contexts of another file cannot be pointed elsewhere: they keep the user that there is.
    let foreign: Vec<&Vec<&Found<'_>>> =
        groups.iter().filter(|group| group.iter().any(|context| !std::ptr::eq(context.document, mine))).collect();
    if foreign.len() > 1 {
        let names: Vec<&str> = foreign.iter().flat_map(|group| group.iter()).map(|context| context.name).collect();
        return Err(shared(found, &names, "some of which stand in another file", "其中有的位于另一个文件中"));
    }
    let stays = foreign.first().copied().or_else(|| groups.first()).ok_or_else(shape)?;
    let first = stanza(helper, &id_of(stays).ok_or_else(shape)?);

    let mut taken: BTreeSet<String> =
        list.documents.iter().flat_map(|document| document.users.iter().map(|named| named.name.clone())).collect();
    let mut news: Vec<New<'_>> = Vec::new();
    for group in groups.iter().filter(|group| !std::ptr::eq(*group, stays)) {
        let context = group.first().ok_or_else(shape)?;
        let name = free(&format!("{}-pilothouse-{}", found.user_name, context.name), &taken);
        taken.insert(name.clone());
        let contexts = group.iter().map(|context| context.name).collect();
        news.push(New { name, stanza: stanza(helper, &id_of(group).ok_or_else(shape)?), contexts });
    }
    let before = yaml::value(text, &Profile::KUBECONFIG).map_err(|_| shape())?;
    let wanted = meant(&before, &found.user_name, &first, &news)?;
    let mut edited = replaced(text, &tree(text)?, &found.user_name, &first)?;
    let mut behind = found.user_name.clone();
    for new in &news {
        edited = added(&edited, &behind, new, &others(&before, &found.user_name)?)?;
        behind.clone_from(&new.name);
        for context in &new.contexts {
            edited = pointed(&edited, context, &new.name)?;
        }
    }
    same(&wanted, &edited)?;
    Ok(edited)
}

fn tree(text: &str) -> Result<Node, Refusal> {
    yaml::tree(text, &Profile::KUBECONFIG).map_err(|_| shape())
}

/// The name, or the name with the first number that is free.
fn free(name: &str, taken: &BTreeSet<String>) -> String {
    let numbered = (2..=u32::MAX).map(|nth| format!("{name}-{nth}"));
    std::iter::once(name.to_owned()).chain(numbered).find(|name| !taken.contains(name)).unwrap_or_else(|| name.to_owned())
}

fn named<'j>(config: &'j Json, list: &str, name: &str) -> Option<(usize, &'j Json)> {
    config.get(list)?.as_array()?.iter().enumerate().find(|(_, item)| item.get("name").and_then(Json::as_str) == Some(name))
}

/// What a user says beside its credential, such as as whom it acts.
fn others(config: &Json, user: &str) -> Result<serde_json::Map<String, Json>, Refusal> {
    let (_, item) = named(config, "users", user).ok_or_else(shape)?;
    let fields = item.get("user").and_then(Json::as_object).ok_or_else(shape)?;
    Ok(fields.iter().filter(|(key, _)| !CREDENTIAL.contains(&key.as_str())).map(|(key, value)| (key.clone(), value.clone())).collect())
}

/// What the text shall mean.
fn meant(before: &Json, user: &str, first: &Json, news: &[New<'_>]) -> Result<Json, Refusal> {
    let mut wanted = before.clone();
    exchange(&mut wanted, user, first)?;
    let rest = others(before, user)?;
    let (at, _) = named(before, "users", user).ok_or_else(shape)?;
    let users = wanted.get_mut("users").and_then(Json::as_array_mut).ok_or_else(shape)?;
    for (nth, new) in news.iter().enumerate() {
        let mut fields = rest.clone();
        fields.insert("exec".into(), new.stanza.clone());
        users.insert(at + 1 + nth, json!({ "name": new.name, "user": fields }));
    }
    for new in news {
        for context in &new.contexts {
            let (at, _) = named(before, "contexts", context).ok_or_else(shape)?;
            let place = wanted.pointer_mut(&format!("/contexts/{at}/context/user")).ok_or_else(shape)?;
            *place = Json::from(new.name.as_str());
        }
    }
    Ok(wanted)
}

/// Puts a user behind another one, in the way in which their list is written.
fn added(text: &str, behind: &str, new: &New<'_>, others: &serde_json::Map<String, Json>) -> Result<Zeroizing<String>, Refusal> {
    let root = tree(text)?;
    let users = root.get("users").filter(|users| !users.alias).ok_or_else(shape)?;
    let item = users.items().iter().find(|item| item.get("name").and_then(Node::text) == Some(behind)).ok_or_else(shape)?;
    let end = item.span.end;
    if users.flow {
        let mut fields = others.clone();
        fields.insert("exec".into(), new.stanza.clone());
        let with = format!(", {}", json!({ "name": new.name, "user": fields }));
        return applied(text, vec![Edit { range: end..end, with }]);
    }
    let start = item.span.start;
    let line_at = text.get(..start).ok_or_else(shape)?.rfind(['\n', '\r']).map_or(0, |at| at + 1);
    let indent = text.get(line_at..start).and_then(|lead| lead.trim_end_matches(' ').strip_suffix('-')).ok_or_else(shape)?;
    if !indent.chars().all(|c| c == ' ') {
        return Err(shape());
    }
    let usual = usual_break(text);
    let mut lines = vec![format!("{indent}- name: {}", Json::from(new.name.as_str())), format!("{indent}  user:")];
    lines.extend(others.iter().map(|(key, value)| format!("{indent}    {}: {value}", Json::from(key.as_str()))));
    lines.push(block(&format!("{indent}    "), "", usual, &new.stanza));
    let lines = lines.join(usual);
    // A value on lines of its own ends with its last line; behind any other there may be a comment.
    let at_line = text.get(..end).ok_or_else(shape)?.ends_with(['\n', '\r']);
    if at_line {
        return applied(text, vec![Edit { range: end..end, with: format!("{lines}{usual}") }]);
    }
    let rest = text.get(end..).ok_or_else(shape)?;
    let tail = rest.get(..rest.find(['\n', '\r']).unwrap_or(rest.len())).ok_or_else(shape)?;
    if !tail.trim().is_empty() && !tail.trim_start().starts_with('#') {
        return Err(shape());
    }
    let at = end + tail.len();
    let lead = match break_at(rest.get(tail.len()..).unwrap_or_default()) {
        "" => usual,
        found => found,
    };
    applied(text, vec![Edit { range: at..at, with: format!("{lead}{lines}") }])
}

/// Points a context at another user; quoted as it was, where that goes.
fn pointed(text: &str, context: &str, user: &str) -> Result<Zeroizing<String>, Refusal> {
    let root = tree(text)?;
    let contexts = root.get("contexts").filter(|contexts| !contexts.alias).ok_or_else(shape)?;
    let item = contexts.items().iter().find(|item| item.get("name").and_then(Node::text) == Some(context)).ok_or_else(shape)?;
    let node = item.get("context").ok_or_else(shape)?;
    let value = node.get("user").ok_or_else(shape)?;
    if item.alias || node.alias || value.alias || value.anchor {
        return Err(shape());
    }
    let written = text.get(value.span.clone()).ok_or_else(shape)?;
    let Kind::Scalar(_, style) = &value.kind else { return Err(shape()) };
    let with = match style {
        Style::Plain if is_plain(user) => user.to_owned(),
        Style::Quoted if written.starts_with('\'') && !user.contains(char::is_control) => format!("'{}'", user.replace('\'', "''")),
        Style::Plain | Style::Quoted => Json::from(user).to_string(),
        Style::Block => return Err(shape()),
    };
    applied(text, vec![Edit { range: value.span.clone(), with }])
}

/// Whether a name of ours can stand without quotes. It always holds letters, so that no parser takes it for a number.
fn is_plain(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && !name.ends_with(':')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || "._@/-:+=".contains(c))
}
