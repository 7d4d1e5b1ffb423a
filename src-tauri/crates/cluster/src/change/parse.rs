//! The text of a manifest, taken apart into its documents, and where each of its objects stands there.

use domain::Json;
use domain::fault::{Fault, FaultKind};
use domain::manifest::{At, ObjectRef};
use domain::text::Text;
use serde_json::json;
use yaml::{Document, Path, Profile, Step};

/// Its documents, in order, as `kubectl` would send them.
pub(super) fn documents(text: &str) -> Result<Vec<Document>, Fault> {
    yaml::documents(text, &Profile::manifest()).map_err(|fault| {
        let (line, column) = (fault.line, fault.column);
        Fault::new(
            FaultKind::Config,
            "manifest_invalid",
            Text::new(
                format!("this manifest cannot be read: {} (line {line}, column {column})", fault.reason),
                format!("无法读取该清单：{}（第 {line} 行，第 {column} 列）", fault.reason.zh()),
            ),
            Text::new("Correct it and try again.", "请更正后重试。"),
        )
        .with_params(json!({ "line": line, "column": column }))
    })
}

/// Where the objects of a manifest stand.
#[derive(Debug)]
pub(super) struct Places<'d>(Vec<(ObjectRef, usize, Path, &'d Document)>);

impl<'d> Places<'d> {
    pub(super) fn of(documents: &'d [Document]) -> Self {
        let mut places = Vec::new();
        for (nth, document) in documents.iter().enumerate() {
            gather(&document.value, Path::default(), &mut |object, base| places.push((object, nth + 1, base, document)));
        }
        Self(places)
    }

    /// Where a path of an object stands, or the nearest thing around it that is in the text. The path is one that the API server wrote.
    pub(super) fn find(&self, object: &ObjectRef, path: &str) -> Option<At> {
        let is_it = |one: &ObjectRef| {
            let unsaid = one.namespace.is_none() || one.namespace == object.namespace;
            unsaid && one.name == object.name && one.kind == object.kind && one.api_version == object.api_version
        };
        let (_, nth, base, document) = self.0.iter().find(|(one, ..)| is_it(one))?;
        let mut whole = base.clone();
        let inner = Path::parse(path.trim_start_matches('.')).unwrap_or_default();
        for step in inner.0 {
            let step = match (&step, whole.of(&document.value)) {
                (Step::Key(key), Some(Json::Array(items))) => chosen(key, items).map_or(step, Step::Index),
                _ => step,
            };
            whole.0.push(step);
        }
        let place = document.spot.nearest_key(&whole);
        Some(At { document: *nth, line: place.line, column: place.column })
    }
}

fn gather(value: &Json, base: Path, found: &mut impl FnMut(ObjectRef, Path)) {
    if let Some(items) = value.get("items").and_then(Json::as_array).filter(|_| value.pointer("/metadata/name").is_none()) {
        for (nth, item) in items.iter().enumerate() {
            gather(item, base.then("items").then(nth), found);
        }
    } else if let Some(object) = ObjectRef::of(value) {
        found(object, base);
    }
}

/// `name="app"`: the item of a list whose keys are these, as server-side apply names it.
fn chosen(keys: &str, items: &[Json]) -> Option<usize> {
    let keys: Vec<(&str, Json)> = keys
        .split(',')
        .map(|key| key.split_once('=').and_then(|(key, value)| Some((key, serde_json::from_str(value).ok()?))))
        .collect::<Option<_>>()?;
    items.iter().position(|item| keys.iter().all(|(key, value)| item.get(key) == Some(value)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_are_told_apart_and_faults_have_their_line() {
        let values = |text: &str| documents(text).unwrap().into_iter().map(|document| document.value).collect::<Vec<_>>();
        assert_eq!(values("# head\n---\na: 1\n---\n# nothing\n---\nc: 3\n"), [json!({ "a": 1 }), json!({ "c": 3 })]);
        assert_eq!(values("{\"a\": 1}"), [json!({ "a": 1 })]);
        let fault = documents("a: 1\n---\nb: 1\nb: 2\n").unwrap_err();
        assert_eq!((fault.code.as_str(), &fault.params["line"]), ("manifest_invalid", &json!(4)));
    }

    #[test]
    fn what_a_server_names_is_found_in_the_text_whichever_way_it_writes_the_path() {
        let text = "kind: List\napiVersion: v1\nitems:\n- apiVersion: v1\n  kind: Pod\n  metadata: { name: a }\n  spec:\n    containers:\n    \
                    - name: x\n      image: i\n    - name: two\n      image: j\n---\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: b\n  labels:\n    \
                    example.com/c: d\n";
        let found = documents(text).unwrap();
        let places = Places::of(&found);
        let object = |kind: &str, name: &str| ObjectRef {
            api_version: "v1".into(),
            kind: kind.into(),
            namespace: Some("n".into()),
            name: name.into(),
        };
        for (kind, name, path, document, line) in [
            ("Pod", "a", ".spec.containers[name=\"two\"].image", 1, 12),
            ("Pod", "a", "spec.containers[0].image", 1, 10),
            ("Pod", "a", "spec.containers[1].ports[0].name", 1, 11),
            ("Pod", "a", "spec.nothing.of.this", 1, 8),
            ("ConfigMap", "b", "metadata.labels[example.com/c]", 2, 19),
            ("ConfigMap", "b", "", 2, 14),
        ] {
            let at = places.find(&object(kind, name), path).unwrap();
            assert_eq!((at.document, at.line), (document, line), "{path}");
        }
        assert_eq!(places.find(&object("Pod", "b"), "spec"), None);
    }
}
