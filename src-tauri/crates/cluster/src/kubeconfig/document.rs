//! One kubeconfig as a tree, and several as one list, by the rules of `kubectl`: the first to name something wins, whole.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use domain::fault::Fault;
use domain::kubeconfig::KubeBytes;
use domain::vault::SecretBytes;
use yaml::{Kind, Node, Profile};
use zeroize::Zeroizing;

use super::fault;
use super::source::{Encoding, List, decode};

/// One file, or pasted text.
pub(super) struct Document {
    /// As it was named, from the root on; empty for pasted text.
    pub(super) file: String,
    /// The file itself, links followed; empty for pasted text.
    pub(super) real: PathBuf,
    /// The folder from which its paths are meant.
    pub(super) base: Option<PathBuf>,
    pub(super) encoding: Encoding,
    pub(super) clusters: Vec<Named>,
    pub(super) users: Vec<Named>,
    pub(super) contexts: Vec<Named>,
    pub(super) current: Option<String>,
}

impl std::fmt::Debug for Document {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Document({})", self.file)
    }
}

/// One entry of a list: its name, and what is under it.
pub(super) struct Named {
    pub(super) name: String,
    pub(super) node: Node,
}

/// A kubeconfig that was read from a file.
pub(super) fn of_file(named: &Path, read: &KubeBytes) -> Result<Document, Fault> {
    let file = named.display().to_string();
    let (text, encoding) = decode(read.bytes.expose()).map_err(|(en, zh)| fault::not_one(&file, 0, en, zh))?;
    let base = named.parent().map(Path::to_owned);
    parse(file, read.path.clone(), base, text, encoding)
}

/// A kubeconfig that was pasted.
pub(super) fn of_text(text: &SecretBytes) -> Result<Document, Fault> {
    let (text, encoding) = decode(text.expose()).map_err(|(en, zh)| fault::not_one("", 0, en, zh))?;
    parse(String::new(), PathBuf::new(), None, text, encoding)
}

fn parse(file: String, real: PathBuf, base: Option<PathBuf>, text: Zeroizing<String>, encoding: Encoding) -> Result<Document, Fault> {
    let root = yaml::tree(&text, &Profile::KUBECONFIG).map_err(|why| fault::malformed(&file, &why))?;
    let wrong = |line: usize, en: &str, zh: &str| fault::not_one(&file, line as u64, en, zh);
    if !matches!(root.kind, Kind::Map(_) | Kind::Null) {
        return Err(wrong(root.line, "it is no mapping", "它不是映射"));
    }
    if root.get("kind").is_some_and(|kind| !kind.is_null() && kind.text() != Some("Config")) {
        return Err(wrong(root.line, "its kind is not Config", "它的 kind 不是 Config"));
    }
    if root.get("apiVersion").is_some_and(|version| !version.is_null() && version.text() != Some("v1")) {
        return Err(wrong(root.line, "its apiVersion is not v1", "它的 apiVersion 不是 v1"));
    }
    let clusters = names(&root, &file, "clusters", "cluster")?;
    let users = names(&root, &file, "users", "user")?;
    let contexts = names(&root, &file, "contexts", "context")?;
    let current = root.get("current-context").and_then(Node::text).filter(|name| !name.is_empty()).map(str::to_owned);
    Ok(Document { file, real, base, encoding, clusters, users, contexts, current })
}

fn names(root: &Node, file: &str, list: &str, inner: &str) -> Result<Vec<Named>, Fault> {
    let Some(node) = root.get(list).filter(|node| !node.is_null()) else { return Ok(Vec::new()) };
    let Kind::List(items) = &node.kind else {
        return Err(fault::not_one(file, node.line as u64, &format!("`{list}` is no list"), &format!("`{list}` 不是列表")));
    };
    let mut seen = HashSet::new();
    let mut found = Vec::new();
    for item in items {
        let line = item.line as u64;
        let Some(name) = item.get("name").and_then(Node::text) else {
            let (en, zh) = (format!("an entry of `{list}` has no name"), format!("`{list}` 中有一项没有名称"));
            return Err(fault::not_one(file, line, &format!("{en} (line {line})"), &format!("{zh}（第 {line} 行）")));
        };
        if !seen.insert(name.to_owned()) {
            let (en, zh) = (format!("two entries of `{list}` have the same name"), format!("`{list}` 中有两项同名"));
            return Err(fault::not_one(file, line, &format!("{en} (line {line})"), &format!("{zh}（第 {line} 行）")));
        }
        let node = item.get(inner).cloned().unwrap_or_else(|| nothing(item));
        if !matches!(node.kind, Kind::Map(_) | Kind::Null) {
            let (en, zh) = (format!("`{inner}` is no mapping (line {line})"), format!("`{inner}` 不是映射（第 {line} 行）"));
            return Err(fault::not_one(file, line, &en, &zh));
        }
        found.push(Named { name: name.to_owned(), node });
    }
    Ok(found)
}

fn nothing(item: &Node) -> Node {
    Node { kind: Kind::Null, span: item.span.end..item.span.end, line: item.line, flow: false, alias: false, anchor: false }
}

/// A context with what it means.
pub(super) struct Found<'l> {
    pub(super) name: &'l str,
    pub(super) document: &'l Document,
    pub(super) node: &'l Node,
    pub(super) cluster_name: String,
    pub(super) cluster: Option<(&'l Document, &'l Node)>,
    pub(super) user_name: String,
    pub(super) user: Option<(&'l Document, &'l Node)>,
}

fn first<'l>(list: &'l List, which: impl Fn(&'l Document) -> &'l [Named], name: &str) -> Option<(&'l Document, &'l Node)> {
    list.documents.iter().find_map(|document| which(document).iter().find(|named| named.name == name).map(|named| (document, &named.node)))
}

impl List {
    /// Every context, the first of each name.
    pub(super) fn contexts(&self) -> Vec<Found<'_>> {
        let mut seen = HashSet::new();
        let all = self.documents.iter().flat_map(|document| document.contexts.iter().map(move |named| (document, named)));
        all.filter(|(_, named)| seen.insert(named.name.as_str()))
            .map(|(document, named)| {
                let part = |key: &str| named.node.get(key).and_then(Node::text).unwrap_or_default().to_owned();
                let (cluster_name, user_name) = (part("cluster"), part("user"));
                Found {
                    name: &named.name,
                    document,
                    node: &named.node,
                    cluster: first(self, |document| &document.clusters, &cluster_name),
                    user: first(self, |document| &document.users, &user_name),
                    cluster_name,
                    user_name,
                }
            })
            .collect()
    }

    /// The context of that name.
    pub(super) fn context(&self, name: &str) -> Option<Found<'_>> {
        self.contexts().into_iter().find(|found| found.name == name)
    }

    /// The one that is current: what the first file that says so says.
    pub(super) fn current(&self) -> Option<String> {
        self.documents.iter().find_map(|document| document.current.clone())
    }
}
