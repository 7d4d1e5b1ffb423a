//! A whole text is checked: read, held against schemas, then looked at as a set.

use std::collections::BTreeMap;
use std::sync::Arc;

use domain::manifest_check::{CheckReport, FixEdit, LintLevel, PodLevel, Severity};
use domain::text::Text;
use serde_json::Value;
use yaml::{Change, Document, EditFault, Path, Place, Profile, Step, YamlFault};

use super::found::{Found, Object};
use super::schema::Schemas;
use super::{meta, objects, pods, references, rules, security, walk};

/// How to check.
#[derive(Debug, Clone, Default)]
pub struct Manner {
    /// The level of the Pod Security Standards that must be kept.
    pub level: Option<PodLevel>,
    /// Lints that are not as usual.
    pub lints: BTreeMap<String, LintLevel>,
    /// The minor whose removals and standards count, when it is not the schemas' own: before an upgrade.
    pub version: Option<String>,
}

/// Checks a text against schemas. Kinds that a CustomResourceDefinition of the same text makes are known too.
pub fn check(manifest: &[u8], schemas: &Arc<Schemas>, manner: &Manner) -> CheckReport {
    examine(manifest, schemas, manner).0
}

/// The same, and the documents where they could be read.
pub(crate) fn examine(manifest: &[u8], schemas: &Arc<Schemas>, manner: &Manner) -> (CheckReport, Option<Vec<Document>>) {
    let version = manner.version.clone().unwrap_or_else(|| schemas.version().to_owned());
    let read = yaml::decode(manifest, &Profile::manifest()).and_then(|text| yaml::documents(&text, &Profile::manifest()));
    let mut found = Found::default();
    let mut count = 0;
    let documents = match read {
        Ok(documents) => {
            count = all(&documents, schemas, manner, &version, &mut found);
            Some(documents)
        }
        Err(fault) => {
            unreadable(&fault, &mut found);
            None
        }
    };
    let mut problems = found.problems;
    rules::settle(&mut problems, &manner.lints);
    problems.sort_by(|a, b| (a.document, a.line, a.column, a.severity, &a.rule).cmp(&(b.document, b.line, b.column, b.severity, &b.rule)));
    let ok = problems.iter().all(|problem| problem.severity != Severity::Error);
    (CheckReport { ok, problems, version, objects: count }, documents)
}

fn unreadable(fault: &YamlFault, found: &mut Found) {
    let place = Place {
        line: u32::try_from(fault.line).unwrap_or_default(),
        column: u32::try_from(fault.column).unwrap_or_default(),
        ..Place::default()
    };
    let message = Text::new(fault.reason.to_string(), fault.reason.zh());
    found.push(0, &place, &Path::default(), Severity::Error, "yaml-syntax", message);
}

fn all(documents: &[Document], schemas: &Arc<Schemas>, manner: &Manner, version: &str, found: &mut Found) -> usize {
    for (nth, document) in documents.iter().enumerate() {
        for lint in &document.lints {
            let (en, zh) = lint.about.words();
            let path = document.spot.path_at(lint.place.bytes.start);
            found.push(nth + 1, &lint.place, &path, Severity::Warning, lint.about.id(), Text::new(en, zh));
        }
    }
    let objects = objects_of(documents, found);
    let schemas = with_definitions(schemas, &objects);
    for object in &objects {
        let kind = meta::kind(&schemas, object, version, found);
        if object.kind().is_empty() || object.api_version().is_empty() {
            continue;
        }
        if let Some(kind) = kind {
            walk::walk(&schemas, object, kind.node, found);
        }
        meta::metadata(object, kind, found);
        objects::object(object, found);
        pods::lint(object, found);
        if let Some(level) = manner.level {
            security::check(object, level, version, found);
        }
    }
    references::references(&objects, found);
    pods::budgets(&objects, found);
    objects.len()
}

/// The objects of all documents, those within lists too.
fn objects_of<'d>(documents: &'d [Document], found: &mut Found) -> Vec<Object<'d>> {
    let mut objects = Vec::new();
    for (nth, document) in documents.iter().enumerate() {
        let whole = Object { document: nth + 1, base: Path::default(), value: &document.value, spot: &document.spot };
        if !document.value.is_object() {
            let message = Text::new("this is no object of Kubernetes", "这不是 Kubernetes 对象");
            found.at(&whole, &Path::default(), Severity::Error, "schema-type", message);
            continue;
        }
        let items = document.value.get("items").and_then(Value::as_array).filter(|_| whole.api_version() == "v1" && whole.kind() == "List");
        match items {
            Some(items) => objects.extend(items.iter().enumerate().map(|(at, value)| Object {
                base: Path(vec![Step::from("items"), Step::Index(at)]),
                value,
                ..whole.clone()
            })),
            None => objects.push(whole),
        }
    }
    objects
}

/// The schemas, and those of the kinds that the manifest itself defines.
fn with_definitions(schemas: &Arc<Schemas>, objects: &[Object<'_>]) -> Arc<Schemas> {
    let is_definition = |object: &&Object<'_>| object.group() == "apiextensions.k8s.io" && object.kind() == "CustomResourceDefinition";
    let mut own = Schemas::over(schemas);
    for object in objects.iter().filter(is_definition) {
        let text = |pointer: &str| object.value.pointer(pointer).and_then(Value::as_str);
        let (Some(group), Some(kind)) = (text("/spec/group"), text("/spec/names/kind")) else { continue };
        let namespaced = text("/spec/scope") == Some("Namespaced");
        for version in object.value.pointer("/spec/versions").and_then(Value::as_array).into_iter().flatten() {
            let name = version.get("name").and_then(Value::as_str);
            if let (Some(name), Some(schema)) = (name, version.pointer("/schema/openAPIV3Schema")) {
                own.take_structural(&format!("{group}/{name}"), kind, namespaced, schema);
            }
        }
    }
    if own.kinds.is_empty() { schemas.clone() } else { Arc::new(own) }
}

/// The text with a problem's fix in it, and nothing else changed.
pub fn fixed(text: &str, problem: &domain::manifest_check::Problem) -> Result<String, EditFault> {
    let fix = problem.fix.as_ref().ok_or(EditFault::NotThere)?;
    changed(text, problem.document, &problem.whole, fix)
}

/// The text with a fix in it at a path of the nth document, from 1.
pub fn changed(text: &str, document: usize, path: &str, fix: &FixEdit) -> Result<String, EditFault> {
    let path = Path::parse(path).ok_or(EditFault::NotThere)?;
    let change = match fix {
        FixEdit::Set(value) => Change::Set(value.clone()),
        FixEdit::Rename(name) => Change::Rename(name.clone()),
        FixEdit::Remove => Change::Remove,
    };
    yaml::edit(text, &Profile::manifest(), document.saturating_sub(1), &path, &change)
}
