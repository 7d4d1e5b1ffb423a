//! Trying a set on the API server without changing anything.

use std::collections::HashMap;

use domain::Json;
use domain::fault::Fault;
use domain::id::Millis;
use domain::manifest::{
    Action, Extent, FieldConflict, Findings, ObjectChange, ObjectRef, Parsed, Refusal, Rehearsal, Step, UndoneBy, refused_by_server,
};
use domain::text::Text;
use domain::tool::{canonical, hex};
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::added::Added;
use super::content::{adjusted, differences, masked, unified, visible};
use super::order::{Brought, brought, sorted};
use super::parse::Places;
use super::wire::{Kinds, Line, Mode, Said, Served};
use super::{fault, keepers};

/// What stands in for the name of an object whose fields are tried in another namespace.
const STAND_IN: &str = "pilothouse-rehearsal";

/// Which cluster it is, whatever it is called: the uid of what every cluster has, else its address and authority.
pub(super) async fn identity(line: &Line<'_>) -> Result<String, Fault> {
    let said = line.get("/api/v1/namespaces/kube-system").await?;
    if said.agreed() && !said.text("/metadata/uid").is_empty() {
        return Ok(said.text("/metadata/uid").to_owned());
    }
    let address = format!("{}\n{}", line.cluster.server, line.cluster.ca_pem.as_deref().unwrap_or_default());
    Ok(hex(&Sha256::digest(address.as_bytes())))
}

/// A fingerprint of what is there. Its status is no part of it: a controller that reports progress has changed nothing.
pub(super) fn base(live: &Json) -> String {
    let whole = json!([live.pointer("/metadata/uid"), visible(live)]);
    hex(&Sha256::digest(canonical(&whole).as_bytes()))
}

/// What the trying of one object gave.
enum Tried {
    Whole(Json),
    Fields(Json),
    Nothing,
}

struct Trial<'l, 'c> {
    line: &'l Line<'c>,
    parsed: &'l Parsed,
    kinds: Kinds,
    problems: Vec<(ObjectRef, String, Text)>,
    found: Findings,
    autoscalers: HashMap<String, Json>,
}

/// Tries everything; what the API server would not take is told for all objects at once.
pub(super) async fn rehearse(
    line: &Line<'_>,
    parsed: Parsed,
    places: &Places<'_>,
    namespace: &str,
    now: Millis,
) -> Result<Rehearsal, Fault> {
    let found = Findings {
        cluster_uid: identity(line).await?,
        steps: vec![],
        changes: vec![],
        conflicts: vec![],
        undone_by: vec![],
        warnings: vec![],
    };
    let mut trial = Trial { line, parsed: &parsed, kinds: Kinds::default(), problems: vec![], found, autoscalers: HashMap::new() };
    trial.age().await?;
    let set = sorted(parsed.objects());
    let definitions: Vec<Brought> = set.iter().filter_map(brought).collect();
    let mut new_namespaces: Vec<String> = Vec::new();
    for object in &set {
        trial.object(object, namespace, &definitions, &mut new_namespaces).await?;
    }
    if !trial.problems.is_empty() {
        let refusals = trial.problems.into_iter().map(|(object, path, message)| {
            let at = places.find(&object, &path);
            Refusal { object, path, message, at }
        });
        return Err(refused_by_server(&refusals.collect::<Vec<_>>()));
    }
    let found = trial.found;
    Ok(parsed.rehearsed(found, now))
}

impl Trial<'_, '_> {
    /// Says what an old server does not do.
    async fn age(&mut self) -> Result<(), Fault> {
        let said = self.line.get("/version").await?;
        let minor = said.text("/minor").trim_end_matches(|c: char| !c.is_ascii_digit()).parse::<u32>().unwrap_or(99);
        if said.text("/major") == "1" && minor < 25 {
            let version = said.text("/gitVersion").to_owned();
            self.found.warnings.push(Text::new(
                format!("this API server ({version}) may pass over fields that it does not know: it is too old to check them strictly"),
                format!("该 API 服务器（{version}）版本过旧，无法严格检查，可能忽略其不认识的字段"),
            ));
        }
        Ok(())
    }

    fn problem(&mut self, object: &ObjectRef, path: &str, en: String, zh: String) {
        self.problems.push((object.clone(), path.to_owned(), Text::new(en, zh)));
    }

    async fn object(&mut self, object: &Json, namespace: &str, definitions: &[Brought], new: &mut Vec<String>) -> Result<(), Fault> {
        // What an export holds beside the content is the server's own.
        let mut body = visible(object);
        let Some(named) = ObjectRef::of(&body) else { return Ok(()) };
        let (group, version) = named.group_version();
        let comes =
            definitions.iter().find(|one| one.kind == named.kind && one.group == group && one.versions.iter().any(|one| one == version));
        let served = self.kinds.find(self.line, &named.api_version, &named.kind).await?;
        let (served, kind_comes) = match (served, comes) {
            (Some(served), _) => (served, false),
            (None, Some(comes)) => (Served { plural: comes.plural.clone(), namespaced: comes.namespaced }, true),
            (None, None) => {
                let (kind, version) = (&named.kind, &named.api_version);
                let en = format!("this cluster has no kind {kind} in {version}");
                let zh = format!("此集群的 {version} 中没有 {kind} 这种资源");
                self.problem(&named, "", en, zh);
                return Ok(());
            }
        };
        if served.namespaced && named.namespace.is_none() {
            body["metadata"]["namespace"] = namespace.into();
        }
        if !served.namespaced && named.namespace.is_some() {
            let en = format!("a {} belongs to the whole cluster and takes no namespace", named.kind);
            let zh = format!("{} 属于整个集群，不能指定命名空间", named.kind);
            self.problem(&named, "metadata.namespace", en, zh);
            return Ok(());
        }
        let Some(named) = ObjectRef::of(&body) else { return Ok(()) };
        let place_comes = named.namespace.as_ref().is_some_and(|namespace| new.contains(namespace));
        if kind_comes || place_comes {
            let tried = if kind_comes { Tried::Nothing } else { self.elsewhere(&served, &named, &body).await? };
            self.note_partial(&named, &tried, kind_comes);
            self.keep(named, body, None, tried, false);
            return Ok(());
        }
        let path = served.path(&named);
        let live = match self.line.get(&path).await? {
            said if said.agreed() => Some(said.body),
            said if said.status == 404 => None,
            said => return Err(fault::refused(self.line.cluster, &said, "get", Some(&named))),
        };
        if live.is_none() && named.kind == "Namespace" && named.api_version == "v1" {
            new.push(named.name.clone());
        }
        let mut said = self.line.apply(&path, &body, Mode::Try, false).await?;
        let conflicts = fault::conflicts(&said);
        let mut force = false;
        if !conflicts.is_empty() {
            let all = conflicts.into_iter().map(|(manager, path)| {
                let taken_over = self.parsed.takes_over(&named, &path);
                FieldConflict { object: named.clone(), path, manager, taken_over }
            });
            let all: Vec<FieldConflict> = all.collect();
            force = all.iter().all(|conflict| conflict.taken_over);
            self.found.conflicts.extend(all);
            // What would be there if everything were taken over.
            said = self.line.apply(&path, &body, Mode::Try, true).await?;
        }
        self.heed(&named, &said);
        if !said.agreed() {
            return self.refused(&named, &said);
        }
        let would_be = said.body;
        self.keepers(&named, &body, live.as_ref(), &would_be).await?;
        self.keep(named, body, live, Tried::Whole(would_be), force);
        Ok(())
    }

    /// A finding about the object's fields, or the end of the rehearsal.
    fn refused(&mut self, named: &ObjectRef, said: &Said) -> Result<(), Fault> {
        let problems = fault::problems(said, named);
        if problems.is_empty() && said.status != 404 {
            return Err(fault::refused(self.line.cluster, said, "apply", Some(named)));
        }
        if problems.is_empty() {
            let namespace = named.namespace.clone().unwrap_or_default();
            let en = format!("there is no namespace {namespace}, and the set does not make it");
            let zh = format!("命名空间 {namespace} 不存在，清单中也没有创建它");
            self.problem(named, "metadata.namespace", en, zh);
        }
        self.problems.extend(problems.into_iter().map(|(path, text)| (named.clone(), path, text)));
        Ok(())
    }

    fn heed(&mut self, named: &ObjectRef, said: &Said) {
        for warning in &said.warnings {
            let text = Text::same(format!("{named}: {warning}"));
            if !self.found.warnings.contains(&text) {
                self.found.warnings.push(text);
            }
        }
    }

    /// The fields of an object whose namespace is not there yet, tried under another name in a namespace that is.
    async fn elsewhere(&mut self, served: &Served, named: &ObjectRef, body: &Json) -> Result<Tried, Fault> {
        let mut stand_in = body.clone();
        let name = format!("{STAND_IN}-{:08x}", rand::random::<u32>());
        stand_in["metadata"]["namespace"] = "default".into();
        stand_in["metadata"]["name"] = name.clone().into();
        let at = ObjectRef { namespace: Some("default".into()), name, ..named.clone() };
        let said = self.line.apply(&served.path(&at), &stand_in, Mode::Try, false).await?;
        self.heed(named, &said);
        if said.agreed() {
            let mut would_be = said.body;
            would_be["metadata"]["namespace"] = body["metadata"]["namespace"].clone();
            would_be["metadata"]["name"] = body["metadata"]["name"].clone();
            return Ok(Tried::Fields(would_be));
        }
        let problems = fault::problems(&said, named);
        self.problems.extend(problems.into_iter().map(|(path, text)| (named.clone(), path, text)));
        Ok(Tried::Nothing)
    }

    fn note_partial(&mut self, named: &ObjectRef, tried: &Tried, kind_comes: bool) {
        let text = match tried {
            Tried::Fields(_) => Text::new(
                format!(
                    "{named}: its namespace comes with this set; its fields were tried in the namespace default, its rights and quotas were not"
                ),
                format!("{named}：其命名空间由本清单创建；字段已在 default 命名空间中试运行，但权限和配额未经检验"),
            ),
            _ if kind_comes => Text::new(
                format!("{named}: its kind comes with this set, so that it could not be tried"),
                format!("{named}：其资源类型由本清单定义，因此无法试运行"),
            ),
            _ => Text::new(
                format!("{named}: its namespace comes with this set, so that it could not be tried"),
                format!("{named}：其命名空间由本清单创建，因此无法试运行"),
            ),
        };
        self.found.warnings.push(text);
    }

    async fn keepers(&mut self, named: &ObjectRef, body: &Json, live: Option<&Json>, would_be: &Json) -> Result<(), Fault> {
        let Some(live) = live else { return Ok(()) };
        if visible(live) == visible(would_be) {
            return Ok(());
        }
        self.found.undone_by.extend(keepers::managed_by(live, named));
        let scalable = matches!(named.kind.as_str(), "Deployment" | "StatefulSet" | "ReplicaSet" | "ReplicationController");
        let replicas = |object: &Json| object.pointer("/spec/replicas").cloned();
        if !scalable || replicas(body).is_none() || replicas(live) == replicas(would_be) {
            return Ok(());
        }
        let namespace = named.namespace.clone().unwrap_or_default();
        if !self.autoscalers.contains_key(&namespace) {
            let mut list = Json::Null;
            for version in ["v2", "v1"] {
                let said = self.line.get(&format!("/apis/autoscaling/{version}/namespaces/{namespace}/horizontalpodautoscalers")).await?;
                if said.agreed() {
                    list = said.body;
                    break;
                }
                if said.status == 403 {
                    self.found.warnings.push(Text::new(
                        format!("{named}: whether an autoscaler sets its replicas could not be seen: you may not list autoscalers"),
                        format!("{named}：无权列出自动伸缩器，无法得知其副本数是否由自动伸缩器控制"),
                    ));
                    break;
                }
            }
            self.autoscalers.insert(namespace.clone(), list);
        }
        let found: Vec<UndoneBy> = self.autoscalers.get(&namespace).map(|list| keepers::scaled_by(list, named)).unwrap_or_default();
        self.found.undone_by.extend(found);
        Ok(())
    }

    /// Keeps what was found about an object.
    fn keep(&mut self, object: ObjectRef, body: Json, live: Option<Json>, tried: Tried, force: bool) {
        let (would_be, extent) = match tried {
            Tried::Whole(would_be) => (Some(would_be), Extent::Whole),
            Tried::Fields(would_be) => (Some(would_be), Extent::Fields),
            Tried::Nothing => (None, Extent::Nothing),
        };
        let before = live.as_ref().map(visible);
        let after = would_be.as_ref().map_or_else(|| body.clone(), visible);
        let action = match &before {
            None => Action::Create,
            Some(before) if *before == after => Action::Unchanged,
            Some(_) => Action::Change,
        };
        let secret = object.is_secret();
        let made = if extent == Extent::Nothing { Vec::new() } else { adjusted(&body, &after) };
        // A Secret's stringData becomes data, and neither is told.
        let told = |field: &domain::manifest::FieldChange| !secret || !["data", "stringData"].iter().any(|own| field.path.starts_with(own));
        let mut adjusted: Vec<_> = made.into_iter().filter(told).collect();
        let (before, after) = if secret { masked(before.as_ref(), Some(&after)) } else { (before, Some(after)) };
        let (mut seen, mut defaults) = (after.clone(), Vec::new());
        if let Some(seen) = seen.as_mut().filter(|_| extent != Extent::Nothing) {
            let added = Added::take(&body, before.as_ref(), seen);
            adjusted.extend(added.admitted.into_iter().filter(told));
            defaults = added.defaults.into_iter().filter(told).collect();
        }
        let empty = Json::Object(domain::JsonMap::new());
        let differ = |after: Option<&Json>| after.map_or_else(Vec::new, |after| differences(before.as_ref().unwrap_or(&empty), after));
        let mut fields = differ(seen.as_ref());
        if fields.is_empty() && action == Action::Change {
            // Nothing but defaults is new: those are the change.
            (fields, seen, defaults) = (differ(after.as_ref()), after.clone(), Vec::new());
        }
        let diff = if action == Action::Unchanged { String::new() } else { unified(before.as_ref(), seen.as_ref()) };
        self.found.changes.push(ObjectChange {
            action,
            object: object.clone(),
            diff,
            fields: fields.iter().map(super::content::Differs::told).collect(),
            adjusted,
            defaults,
            extent,
            before,
            after,
        });
        let base = live.as_ref().map(base);
        self.found.steps.push(Step { object, body, action, live, would_be, base, force });
    }
}

/// What a digest no longer holds for, after the rehearsal and before the change.
pub(super) fn moved(object: &ObjectRef) -> Fault {
    let mut fault = domain::manifest::stale();
    fault.params = json!({ "object": object });
    fault
}
