//! Whole objects, page by page.

use domain::Json;
use domain::fault::Fault;
use domain::kube::{KindInfo, LookFor, Objects};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::{Asked, At, JSON, Look, PAGE, mask, namespace_of, usual};

impl Look {
    pub(crate) async fn object_of(
        &self,
        at: &At<'_>,
        kind: &KindInfo,
        namespace: Option<&str>,
        name: &str,
        managed_fields: bool,
    ) -> Result<Json, Fault> {
        let namespace = namespace.or_else(|| Some(usual(at.cluster))).filter(|_| kind.namespaced);
        let asked = Asked::of("get", kind, namespace, Some(name));
        let mut object = self.ask(at, &kind.path(namespace, Some(name)), JSON, &asked).await?;
        if !object.is_object() {
            return Err(crate::fault::strange(at.cluster, &asked.what()));
        }
        mask(&mut object, managed_fields);
        Ok(object)
    }

    pub(crate) async fn objects_of(&self, at: &At<'_>, query: &LookFor) -> Result<Objects, Fault> {
        let kind = self.kind_of(at, &query.kind).await?;
        let namespace = namespace_of(at.cluster, &kind, query.scope.as_ref());
        if let Some(name) = &query.name {
            let item = self.object_of(at, &kind, namespace, name, query.managed_fields).await?;
            return Ok(Objects { kind, items: vec![item], more: false });
        }
        let mut again = true;
        'whole: loop {
            let (mut items, mut token, mut more) = (Vec::new(), String::new(), false);
            loop {
                let room = query.most.map_or(PAGE, |most| most.saturating_sub(items.len()).min(PAGE));
                let path = format!("{}?{}", kind.path(namespace, None), page(query, room.max(1), &token));
                let asked = Asked::of("list", &kind, namespace, None);
                let mut answer = match self.ask(at, &path, JSON, &asked).await {
                    Ok(answer) => answer,
                    // The token outlived what it stands for: once more from the beginning.
                    Err(fault) if fault.code == "gone" && std::mem::take(&mut again) => continue 'whole,
                    Err(fault) => return Err(fault),
                };
                answer.pointer("/metadata/continue").and_then(Json::as_str).unwrap_or_default().clone_into(&mut token);
                let Some(Json::Array(page)) = answer.get_mut("items").map(Json::take) else {
                    // An empty list may be `null`.
                    if answer.get("items").is_none() {
                        return Err(crate::fault::strange(at.cluster, &asked.what()));
                    }
                    return Ok(Objects { kind, items, more });
                };
                let whole = page.len() <= room || query.most.is_none();
                let take = if whole { page.len() } else { room };
                items.extend(page.into_iter().take(take).map(|item| named(item, &kind, query.managed_fields)));
                let full = query.most.is_some_and(|most| items.len() >= most);
                more |= full && (!token.is_empty() || !whole);
                if token.is_empty() || full {
                    return Ok(Objects { kind, items, more });
                }
            }
        }
    }
}

/// An object of a list does not say what it is.
fn named(mut item: Json, kind: &KindInfo, managed_fields: bool) -> Json {
    if let Some(object) = item.as_object_mut() {
        object.entry("apiVersion").or_insert_with(|| Json::from(kind.api_version()));
        object.entry("kind").or_insert_with(|| Json::from(kind.kind.as_str()));
    }
    mask(&mut item, managed_fields);
    item
}

/// The question of a page.
pub(crate) fn page(query: &LookFor, limit: usize, token: &str) -> String {
    let mut parts = vec![format!("limit={limit}")];
    let mut add = |name: &str, value: Option<&str>| {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            parts.push(format!("{name}={}", utf8_percent_encode(value, NON_ALPHANUMERIC)));
        }
    };
    add("labelSelector", query.labels.as_deref());
    add("fieldSelector", query.fields.as_deref());
    add("continue", Some(token));
    parts.join("&")
}
