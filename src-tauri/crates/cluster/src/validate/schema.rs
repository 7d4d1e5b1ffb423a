//! Schemas, compiled once: names are resolved, and each node says in one word what may stand there.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use serde_json::{Map, Value};

/// A place in [`Schemas::nodes`].
pub(crate) type NodeId = u32;

/// What may stand somewhere.
#[derive(Debug, Clone)]
pub(crate) enum Sort {
    /// Anything.
    Any,
    Object(Fields),
    List {
        items: NodeId,
        unique: Unique,
    },
    Text {
        format: Format,
        pattern: Option<Box<str>>,
        least: usize,
        most: usize,
    },
    Integer {
        least: i64,
        most: i64,
    },
    Number,
    Bool,
    IntOrString,
    Quantity,
}

/// What tells the items of a list apart.
#[derive(Debug, Clone)]
pub(crate) enum Unique {
    Nothing,
    Whole,
    Keys(Box<[Box<str>]>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Plain,
    Base64,
    Moment,
}

/// The fields of an object.
#[derive(Debug, Clone, Default)]
pub(crate) struct Fields {
    pub(crate) named: HashMap<Box<str>, (NodeId, Option<Box<str>>)>,
    /// What other fields hold; none when there may be no others.
    pub(crate) others: Option<NodeId>,
    pub(crate) required: Vec<Box<str>>,
    /// Whether it is a whole object, with `apiVersion`, `kind` and `metadata`.
    pub(crate) embedded: bool,
}

#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) sort: Sort,
    pub(crate) allowed: Box<[Value]>,
    /// The name of the schema, when it has one.
    pub(crate) name: Option<Box<str>>,
}

/// A kind and where its schema begins.
#[derive(Debug, Clone, Copy)]
pub(crate) struct KindSchema {
    pub(crate) node: NodeId,
    pub(crate) namespaced: bool,
}

/// The schemas of a Kubernetes version or of a cluster.
#[derive(Debug, Clone, Default)]
pub struct Schemas {
    /// Such as `1.36`.
    pub(crate) version: String,
    /// What these add to. Their nodes come first, and none of them is changed.
    below: Option<Arc<Schemas>>,
    /// The id of the first node here.
    first: NodeId,
    pub(crate) nodes: Vec<Node>,
    /// By `apiVersion/kind`.
    pub(crate) kinds: HashMap<String, KindSchema>,
    names: HashMap<String, NodeId>,
}

const ANY: NodeId = 0;

impl Schemas {
    /// None yet.
    pub(crate) fn new(version: &str) -> Self {
        let any = Node { sort: Sort::Any, allowed: Box::default(), name: None };
        Self { version: version.to_owned(), nodes: vec![any], ..Self::default() }
    }

    /// Further ones beside these, which stay as they are.
    pub(crate) fn over(below: &Arc<Schemas>) -> Self {
        let first = below.first + NodeId::try_from(below.nodes.len()).unwrap_or(0);
        Self { version: below.version.clone(), below: Some(below.clone()), first, ..Self::default() }
    }

    /// The minor of Kubernetes that they belong to.
    pub fn version(&self) -> &str {
        &self.version
    }

    pub(crate) fn node(&self, id: NodeId) -> &Node {
        static NOTHING: LazyLock<Node> = LazyLock::new(|| Node { sort: Sort::Any, allowed: Box::default(), name: None });
        match &self.below {
            Some(below) if id < self.first => below.node(id),
            // An id is only ever made by `push`.
            _ => self.nodes.get((id - self.first) as usize).unwrap_or(&NOTHING),
        }
    }

    pub(crate) fn kind(&self, api_version: &str, kind: &str) -> Option<KindSchema> {
        self.known(&format!("{api_version}/{kind}"))
    }

    fn known(&self, name: &str) -> Option<KindSchema> {
        self.kinds.get(name).copied().or_else(|| self.below.as_ref()?.known(name))
    }

    /// Every version and kind that is served.
    pub(crate) fn served_kinds(&self) -> Box<dyn Iterator<Item = (&str, &str)> + '_> {
        let own = self.kinds.keys().filter_map(|name| name.rsplit_once('/'));
        match &self.below {
            Some(below) => Box::new(own.chain(below.served_kinds())),
            None => Box::new(own),
        }
    }

    /// The versions in which a kind is served.
    pub(crate) fn served(&self, kind: &str) -> Vec<&str> {
        let mut all: Vec<&str> = self.served_kinds().filter(|(_, name)| *name == kind).map(|(version, _)| version).collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    /// Takes a kind whose schema has a name among the components.
    pub(crate) fn take(&mut self, api_version: &str, kind: &str, namespaced: bool, name: &str, components: &Map<String, Value>) {
        let node = self.named(name, components);
        self.kinds.insert(format!("{api_version}/{kind}"), KindSchema { node, namespaced });
    }

    /// Takes a kind whose schema is written out, as in a CustomResourceDefinition.
    pub(crate) fn take_structural(&mut self, api_version: &str, kind: &str, namespaced: bool, schema: &Value) {
        let node = self.compile(schema, &Map::new(), true, None);
        if node < self.first {
            return;
        }
        if let Some(Node { sort: Sort::Object(fields), .. }) = self.nodes.get_mut((node - self.first) as usize) {
            fields.embedded = true;
        }
        self.kinds.insert(format!("{api_version}/{kind}"), KindSchema { node, namespaced });
    }

    fn named(&mut self, name: &str, components: &Map<String, Value>) -> NodeId {
        if let Some(id) = self.names.get(name) {
            return *id;
        }
        let sort = match name {
            "io.k8s.apimachinery.pkg.api.resource.Quantity" => Some(Sort::Quantity),
            "io.k8s.apimachinery.pkg.util.intstr.IntOrString" => Some(Sort::IntOrString),
            "io.k8s.apimachinery.pkg.apis.meta.v1.Time" | "io.k8s.apimachinery.pkg.apis.meta.v1.MicroTime" => {
                Some(Sort::Text { format: Format::Moment, pattern: None, least: 0, most: usize::MAX })
            }
            _ => None,
        };
        let id = self.push(Node { sort: sort.clone().unwrap_or(Sort::Any), allowed: Box::default(), name: Some(name.into()) });
        self.names.insert(name.to_owned(), id);
        if sort.is_none()
            && let Some(schema) = components.get(name)
        {
            // The place is taken first: a schema may hold itself.
            let made = self.compile(schema, components, !name.starts_with("io.k8s."), Some(name));
            let made = self.node(made).clone();
            self.nodes[(id - self.first) as usize] = Node { name: Some(name.into()), ..made };
        }
        id
    }

    fn push(&mut self, node: Node) -> NodeId {
        self.nodes.push(node);
        NodeId::try_from(self.nodes.len() - 1).map_or(ANY, |nth| self.first + nth)
    }

    fn compile(&mut self, schema: &Value, components: &Map<String, Value>, structural: bool, name: Option<&str>) -> NodeId {
        let reference = schema.get("$ref").or_else(|| schema.pointer("/allOf/0/$ref")).and_then(Value::as_str);
        if let Some(reference) = reference {
            return self.named(reference.rsplit('/').next().unwrap_or(reference), components);
        }
        let flag = |key: &str| schema.get(key).and_then(Value::as_bool) == Some(true);
        let text = |key: &str| schema.get(key).and_then(Value::as_str);
        let size = |key: &str| schema.get(key).and_then(Value::as_u64).and_then(|size| usize::try_from(size).ok());
        let sort = if flag("x-kubernetes-int-or-string") || text("format") == Some("int-or-string") {
            Sort::IntOrString
        } else {
            match text("type") {
                Some("object") => self.object(schema, components, structural, name),
                Some("array") => {
                    let items = schema.get("items").map_or(ANY, |items| self.compile(items, components, structural, None));
                    let keys = schema.get("x-kubernetes-list-map-keys").and_then(Value::as_array);
                    let unique = match (text("x-kubernetes-list-type"), keys) {
                        (Some("map"), Some(keys)) => Unique::Keys(keys.iter().filter_map(Value::as_str).map(Box::from).collect()),
                        (Some("set"), _) => Unique::Whole,
                        _ => Unique::Nothing,
                    };
                    Sort::List { items, unique }
                }
                Some("string") => {
                    let format = match text("format") {
                        Some("byte") => Format::Base64,
                        Some("date-time") => Format::Moment,
                        _ => Format::Plain,
                    };
                    Sort::Text {
                        format,
                        pattern: text("pattern").map(Box::from),
                        least: size("minLength").unwrap_or(0),
                        most: size("maxLength").unwrap_or(usize::MAX),
                    }
                }
                Some("integer") => {
                    let (least, most) =
                        if text("format") == Some("int32") { (i32::MIN.into(), i32::MAX.into()) } else { (i64::MIN, i64::MAX) };
                    #[expect(clippy::cast_possible_truncation, reason = "limits of integers are integers")]
                    let limit =
                        |key: &str| schema.get(key).and_then(|limit| limit.as_i64().or_else(|| limit.as_f64().map(|limit| limit as i64)));
                    Sort::Integer {
                        least: limit("minimum").map_or(least, |limit| limit.max(least)),
                        most: limit("maximum").map_or(most, |limit| limit.min(most)),
                    }
                }
                Some("number") => Sort::Number,
                Some("boolean") => Sort::Bool,
                _ if structural && schema.get("properties").is_some() => self.object(schema, components, structural, name),
                _ => Sort::Any,
            }
        };
        let allowed = schema.get("enum").and_then(Value::as_array).cloned().unwrap_or_default().into_boxed_slice();
        self.push(Node { sort, allowed, name: name.map(Box::from) })
    }

    fn object(&mut self, schema: &Value, components: &Map<String, Value>, structural: bool, name: Option<&str>) -> Sort {
        let mut fields = Fields::default();
        let properties = schema.get("properties").and_then(Value::as_object);
        for (key, property) in properties.into_iter().flatten() {
            let node = self.compile(property, components, structural, None);
            let doc = property.get("description").and_then(Value::as_str).map(Box::from);
            fields.named.insert(key.as_str().into(), (node, doc));
        }
        let keeps = schema.get("x-kubernetes-preserve-unknown-fields").and_then(Value::as_bool) == Some(true);
        fields.others = match schema.get("additionalProperties") {
            _ if keeps => Some(ANY),
            Some(Value::Bool(false)) => None,
            Some(Value::Bool(true)) => Some(ANY),
            Some(others) => Some(self.compile(others, components, structural, None)),
            // Of our own kinds an object without any field is one of which nothing is said.
            None if properties.is_none() && !structural => Some(ANY),
            None => None,
        };
        let required = schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
        fields.required = required.filter(|field| !name.is_some_and(|name| LENIENT.contains(&(name, *field)))).map(Box::from).collect();
        fields.embedded = schema.get("x-kubernetes-embedded-resource").and_then(Value::as_bool) == Some(true)
            || schema.get("x-kubernetes-group-version-kind").is_some() && structural;
        Sort::Object(fields)
    }
}

/// Fields that the published schemas call required and that the API server does not miss.
const LENIENT: &[(&str, &str)] = &[
    ("io.k8s.api.rbac.v1.Role", "rules"),
    ("io.k8s.api.rbac.v1.ClusterRole", "rules"),
    ("io.k8s.api.rbac.v1.RoleRef", "apiGroup"),
    ("io.k8s.api.core.v1.NamespaceSpec", "finalizers"),
    ("io.k8s.api.scheduling.v1.PriorityClass", "value"),
    ("io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinitionNames", "listKind"),
];
