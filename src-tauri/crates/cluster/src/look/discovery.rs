//! Which kinds a cluster serves: the aggregated form where the server has it (1.26 and newer), else group by group (1.20 and newer).
//!
//! **Invariant:** an aggregated API that does not answer takes nothing away but its own kinds, and is named.

use std::sync::{Arc, PoisonError};

use domain::Json;
use domain::cluster::ClusterDef;
use domain::fault::{Fault, FaultKind};
use domain::kube::{KindInfo, Kinds, MissingKinds, segment};
use domain::text::Text;
use futures::StreamExt as _;
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::{AT_ONCE, Asked, At, ClientShown, JSON, KINDS_FRESH, Look};

/// What a server that knows the aggregated form answers in it; one that does not answers in its own.
const AGGREGATED: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,\
                          application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json";

impl Look {
    /// The kind that an object says it is, by `apiVersion` and `kind`; the cluster is asked anew when it is not among those that are kept.
    pub async fn kind_by_version(&self, cluster: &ClusterDef, api_version: &str, kind: &str) -> Result<KindInfo, Fault> {
        let client = ClientShown(self.reach.client(cluster).await?);
        let at = At { cluster, client: &client };
        self.found(&at, &format!("{kind} ({api_version})"), |kinds| kinds.of(api_version, kind).cloned()).await
    }

    /// What is kept of a cluster's kinds is not believed any more: a definition of a kind was applied there.
    pub fn forget_kinds(&self, cluster: &ClusterDef) {
        self.kinds.lock().unwrap_or_else(PoisonError::into_inner).remove(&cluster.id);
    }

    pub(crate) async fn kind_of(&self, at: &At<'_>, named: &str) -> Result<KindInfo, Fault> {
        self.found(at, named, |kinds| kinds.find(named).cloned()).await
    }

    async fn found(&self, at: &At<'_>, named: &str, find: impl Fn(&Kinds) -> Option<KindInfo>) -> Result<KindInfo, Fault> {
        let (mut kinds, kept) = self.kinds_of(at).await?;
        if let Some(found) = find(&kinds) {
            return Ok(found);
        }
        if kept {
            kinds = self.learn_kinds(at).await?;
            if let Some(found) = find(&kinds) {
                return Ok(found);
            }
        }
        Err(unknown(at.cluster, named, &kinds))
    }

    /// The kinds, and whether they were known before.
    pub(crate) async fn kinds_of(&self, at: &At<'_>) -> Result<(Arc<Kinds>, bool), Fault> {
        let ground = ground(at.cluster);
        let known = self.kinds.lock().unwrap_or_else(PoisonError::into_inner).get(&at.cluster.id).cloned();
        match known {
            Some((of, when, kinds)) if of == ground && self.now().since(when) < KINDS_FRESH => Ok((kinds, true)),
            _ => Ok((self.learn_kinds(at).await?, false)),
        }
    }

    async fn learn_kinds(&self, at: &At<'_>) -> Result<Arc<Kinds>, Fault> {
        let asked = Asked::discovery();
        let (core, groups) = futures::try_join!(self.ask(at, "/api", AGGREGATED, &asked), self.ask(at, "/apis", AGGREGATED, &asked))?;
        let mut kinds = Kinds::default();
        for (answer, below) in [(&core, "/api"), (&groups, "/apis")] {
            if answer["kind"] == "APIGroupDiscoveryList" {
                aggregated(answer, &mut kinds);
            } else {
                self.one_by_one(at, answer, below, &mut kinds).await?;
            }
        }
        // One that could not be asked in full is asked again the next time.
        let kinds = Arc::new(kinds);
        if kinds.missing.is_empty() {
            let mut known = self.kinds.lock().unwrap_or_else(PoisonError::into_inner);
            known.insert(at.cluster.id.clone(), (ground(at.cluster), self.now(), kinds.clone()));
        }
        Ok(kinds)
    }

    /// The older form: a document for each version of each group, the preferred version first.
    async fn one_by_one(&self, at: &At<'_>, answer: &Json, below: &str, kinds: &mut Kinds) -> Result<(), Fault> {
        let versions = match answer["kind"].as_str() {
            Some("APIVersions") => texts(&answer["versions"]).into_iter().map(|version| (String::new(), version)).collect(),
            Some("APIGroupList") => list(&answer["groups"]).iter().flat_map(versions_of).collect::<Vec<_>>(),
            _ => return Err(crate::fault::strange(at.cluster, below)),
        };
        let asked = Asked::discovery();
        let answers = futures::stream::iter(versions.into_iter().map(|(group, version)| {
            let path = match group.as_str() {
                "" => format!("{below}/{}", segment(&version)),
                group => format!("{below}/{}/{}", segment(group), segment(&version)),
            };
            let asked = &asked;
            async move { (group, version, self.ask(at, &path, JSON, asked).await) }
        }))
        .buffered(AT_ONCE)
        .collect::<Vec<_>>()
        .await;
        for (group, version, answer) in answers {
            match answer {
                Ok(answer) => kinds.kinds.extend(list(&answer["resources"]).iter().filter_map(|one| plain(one, &group, &version))),
                // Without the core there is nothing to look at.
                Err(fault) if group.is_empty() => return Err(fault),
                Err(fault) => kinds.missing.push(MissingKinds { api_version: format!("{group}/{version}"), why: fault.message }),
            }
        }
        Ok(())
    }
}

fn ground(cluster: &ClusterDef) -> Vec<u8> {
    Sha256::digest(json!([cluster.server, cluster.auth, cluster.impersonate]).to_string()).to_vec()
}

fn list(value: &Json) -> &[Json] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

fn text(value: &Json) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn texts(value: &Json) -> Vec<String> {
    list(value).iter().filter_map(Json::as_str).map(str::to_owned).collect()
}

fn versions_of(group: &Json) -> Vec<(String, String)> {
    let name = text(&group["name"]);
    let preferred = group["preferredVersion"]["version"].as_str();
    let mut versions: Vec<String> = list(&group["versions"]).iter().map(|one| text(&one["version"])).collect();
    versions.sort_by_key(|version| preferred != Some(version.as_str()));
    versions.into_iter().map(|version| (name.clone(), version)).collect()
}

/// A kind of the older form; a part of one (`pods/log`) is none.
fn plain(one: &Json, group: &str, version: &str) -> Option<KindInfo> {
    let plural = one["name"].as_str()?;
    if plural.contains('/') {
        return None;
    }
    let kind = text(&one["kind"]);
    Some(KindInfo {
        group: group.to_owned(),
        version: version.to_owned(),
        singular: singular(&one["singularName"], &kind),
        plural: plural.to_owned(),
        short_names: texts(&one["shortNames"]),
        categories: texts(&one["categories"]),
        namespaced: one["namespaced"].as_bool().unwrap_or(false),
        verbs: texts(&one["verbs"]),
        kind,
    })
}

fn singular(said: &Json, kind: &str) -> String {
    said.as_str().filter(|said| !said.is_empty()).map_or_else(|| kind.to_ascii_lowercase(), str::to_owned)
}

fn aggregated(answer: &Json, kinds: &mut Kinds) {
    for group in list(&answer["items"]) {
        let name = text(&group["metadata"]["name"]);
        for version in list(&group["versions"]) {
            let version_name = text(&version["version"]);
            let resources = list(&version["resources"]);
            kinds.kinds.extend(resources.iter().filter_map(|one| {
                let kind = text(&one["responseKind"]["kind"]);
                Some(KindInfo {
                    group: name.clone(),
                    version: version_name.clone(),
                    plural: one["resource"].as_str()?.to_owned(),
                    singular: singular(&one["singularResource"], &kind),
                    short_names: texts(&one["shortNames"]),
                    categories: texts(&one["categories"]),
                    namespaced: one["scope"] == "Namespaced",
                    verbs: texts(&one["verbs"]),
                    kind,
                })
            }));
            if version["freshness"] == "Stale" {
                kinds.missing.push(MissingKinds {
                    api_version: if name.is_empty() { version_name } else { format!("{name}/{version_name}") },
                    why: Text::new("the API behind it does not answer the server", "其背后的 API 未应答服务器"),
                });
            }
        }
    }
}

fn unknown(cluster: &ClusterDef, named: &str, kinds: &Kinds) -> Fault {
    let shown: String = named.chars().filter(|c| !c.is_control()).take(120).collect();
    let missing: Vec<&str> = kinds.missing.iter().map(|missing| missing.api_version.as_str()).collect();
    let hint = if missing.is_empty() {
        Text::new("See `pilot k8s kinds` for what it serves.", "`pilot k8s kinds` 可列出它提供的类型。")
    } else {
        Text::new(
            format!("These did not answer, and it may be among them: {}", missing.join(", ")),
            format!("以下 API 未应答，该类型可能属于其中：{}", missing.join("、")),
        )
    };
    let name = &cluster.name;
    let fault = crate::fault::about(
        cluster,
        FaultKind::NotFound,
        "unknown_kind",
        Text::new(format!("the cluster {name} has no kind \"{shown}\""), format!("集群 {name} 没有类型“{shown}”")),
        hint,
    );
    fault.with_params(json!({ "cluster": name, "server": cluster.server, "kind": shown, "missing": missing }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_tell_the_same_and_the_preferred_version_comes_first() {
        let mut new = Kinds::default();
        aggregated(
            &json!({ "kind": "APIGroupDiscoveryList", "items": [{ "metadata": { "name": "apps" }, "versions": [
                { "version": "v1", "freshness": "Current", "resources": [{
                    "resource": "deployments", "responseKind": { "group": "apps", "version": "v1", "kind": "Deployment" }, "scope": "Namespaced",
                    "singularResource": "deployment", "shortNames": ["deploy"], "categories": ["all"], "verbs": ["get", "list"],
                    "subresources": [{ "subresource": "scale" }],
                }] },
                { "version": "v1beta9", "freshness": "Stale" },
            ] }] }),
            &mut new,
        );
        let old = plain(
            &json!({ "name": "deployments", "singularName": "", "namespaced": true, "kind": "Deployment", "verbs": ["get", "list"],
                     "shortNames": ["deploy"], "categories": ["all"] }),
            "apps",
            "v1",
        );
        assert_eq!(new.kinds, [old.unwrap()]);
        assert_eq!(new.missing[0].api_version, "apps/v1beta9");
        assert!(plain(&json!({ "name": "deployments/scale", "kind": "Scale" }), "apps", "v1").is_none());
        let group = json!({ "name": "autoscaling", "versions": [{ "version": "v1" }, { "version": "v2" }], "preferredVersion": { "version": "v2" } });
        assert_eq!(versions_of(&group), [("autoscaling".to_owned(), "v2".to_owned()), ("autoscaling".to_owned(), "v1".to_owned())]);
    }
}
