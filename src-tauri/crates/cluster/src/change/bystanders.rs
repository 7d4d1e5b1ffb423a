//! What others would lose when a namespace or a kind that a change made is deleted again.

use domain::Json;
use domain::fault::Fault;
use domain::manifest::{KeptObject, ObjectRef};

use super::order::brought;
use super::wire::{Kinds, Line};

/// Most that are named.
const MOST: usize = 10;
/// What every namespace has or gets by itself.
const ITS_OWN: [&str; 6] = ["Event", "Endpoints", "EndpointSlice", "Lease", "PodMetrics", "LocalSubjectAccessReview"];

/// Objects that are not among those and would be gone with it.
pub(super) async fn bystanders(
    line: &Line<'_>,
    kinds: &mut Kinds,
    object: &ObjectRef,
    after: Option<&Json>,
    beside: &[KeptObject],
) -> Result<Vec<String>, Fault> {
    let ours = |found: &ObjectRef| {
        beside.iter().any(|one| one.object.kind == found.kind && one.object.name == found.name && one.object.namespace == found.namespace)
    };
    let mut others = Vec::new();
    if let Some(brought) = after.and_then(brought) {
        for version in brought.versions.iter().take(1) {
            let api_version = format!("{}/{version}", brought.group);
            let Some(served) = kinds.find(line, &api_version, &brought.kind).await? else { continue };
            let said = line.get(&format!("{}?limit=500", served.collection(&api_version, None))).await?;
            others.extend(
                items(&said.body, &brought.kind, &api_version).into_iter().filter(|found| !ours(found)).map(|found| found.to_string()),
            );
        }
    } else if object.kind == "Namespace" && object.api_version == "v1" {
        for (api_version, kind, plural) in namespaced(line).await? {
            let root = if api_version.contains('/') { "apis" } else { "api" };
            let said = line.get(&format!("/{root}/{api_version}/namespaces/{}/{plural}?limit=500", object.name)).await?;
            let is_default = |found: &ObjectRef| {
                matches!((found.kind.as_str(), found.name.as_str()), ("ServiceAccount", "default") | ("ConfigMap", "kube-root-ca.crt"))
            };
            let found = items(&said.body, &kind, &api_version).into_iter().filter(|found| !ours(found) && !is_default(found));
            others.extend(found.map(|found| found.to_string()));
            if others.len() >= MOST {
                break;
            }
        }
    }
    others.truncate(MOST);
    Ok(others)
}

/// The items of a list that nobody else makes out of another object.
fn items(list: &Json, kind: &str, api_version: &str) -> Vec<ObjectRef> {
    let items = list.get("items").and_then(Json::as_array).map(Vec::as_slice).unwrap_or_default();
    let text = |item: &Json, key: &str| item.pointer(&format!("/metadata/{key}")).and_then(Json::as_str).map(str::to_owned);
    let owned = |item: &&Json| item.pointer("/metadata/ownerReferences").and_then(Json::as_array).is_some_and(|owners| !owners.is_empty());
    items
        .iter()
        .filter(|item| !owned(item))
        .filter_map(|item| {
            let name = text(item, "name")?;
            Some(ObjectRef { api_version: api_version.to_owned(), kind: kind.to_owned(), namespace: text(item, "namespace"), name })
        })
        .collect()
}

/// Every kind that lives in namespaces and can be listed.
async fn namespaced(line: &Line<'_>) -> Result<Vec<(String, String, String)>, Fault> {
    let groups = line.get("/apis").await?;
    let all = groups.body.get("groups").and_then(Json::as_array).map(Vec::as_slice).unwrap_or_default();
    let preferred = all.iter().filter_map(|group| group.pointer("/preferredVersion/groupVersion")?.as_str().map(str::to_owned));
    let mut kinds = Vec::new();
    for api_version in std::iter::once("v1".to_owned()).chain(preferred) {
        let root = if api_version.contains('/') { "apis" } else { "api" };
        let said = line.get(&format!("/{root}/{api_version}")).await?;
        let resources = said.body.get("resources").and_then(Json::as_array).map(Vec::as_slice).unwrap_or_default();
        for resource in resources {
            let text = |key: &str| resource.get(key).and_then(Json::as_str).unwrap_or_default();
            let lists = resource.get("verbs").and_then(Json::as_array).is_some_and(|verbs| verbs.iter().any(|verb| verb == "list"));
            let inside = resource.get("namespaced").and_then(Json::as_bool) == Some(true);
            if lists && inside && !text("name").contains('/') && !ITS_OWN.contains(&text("kind")) {
                kinds.push((api_version.clone(), text("kind").to_owned(), text("name").to_owned()));
            }
        }
    }
    Ok(kinds)
}
