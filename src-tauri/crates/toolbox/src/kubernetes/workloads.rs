//! Services, deployments, endpoints, events, and objects of any kind.

use domain::Json;
use domain::fault::Fault;
use domain::kube::{Access, EventQuery, EventRow, LookFor};
use serde_json::json;

use super::pods::brief;
use super::{Ask, at, each, map, number};

/// The revision that a deployment's parts carry.
const REVISION: &str = "deployment.kubernetes.io/revision";
const CAUSE: &str = "kubernetes.io/change-cause";

impl Ask<'_> {
    fn items(&self, found: &domain::kube::Objects, one: impl Fn(&Json) -> Json) -> Json {
        let items: Vec<Json> = found.items.iter().map(one).collect();
        json!({ "namespace": self.place(), "total": items.len(), "truncated": found.more, "items": items })
    }

    pub(super) async fn services(&self) -> Result<Json, Fault> {
        let found = self.objects("services.v1").await?;
        Ok(self.items(&found, |service| {
            let port = |port: &Json| {
                json!({ "name": at(port, "/name"), "port": at(port, "/port"), "target_port": at(port, "/targetPort"),
                        "protocol": at(port, "/protocol"), "node_port": at(port, "/nodePort") })
            };
            let balanced =
                each(service, "/status/loadBalancer/ingress").iter().filter_map(|one| one.get("ip").or_else(|| one.get("hostname")));
            let external: Vec<&Json> = each(service, "/spec/externalIPs").iter().chain(balanced).collect();
            json!({
                "name": at(service, "/metadata/name"), "namespace": at(service, "/metadata/namespace"), "type": at(service, "/spec/type"),
                "cluster_ip": at(service, "/spec/clusterIP"), "external_ips": external,
                "ports": each(service, "/spec/ports").iter().map(port).collect::<Vec<_>>(), "selector": map(service, "/spec/selector"),
                "age": self.age(service),
            })
        }))
    }

    pub(super) async fn deployments(&self) -> Result<Json, Fault> {
        let found = self.objects("deployments.apps").await?;
        Ok(self.items(&found, |one| {
            json!({
                "name": at(one, "/metadata/name"), "namespace": at(one, "/metadata/namespace"), "replicas": number(one, "/spec/replicas"),
                "ready_replicas": number(one, "/status/readyReplicas"), "available_replicas": number(one, "/status/availableReplicas"),
                "unavailable_replicas": number(one, "/status/unavailableReplicas"), "strategy": at(one, "/spec/strategy/type"),
                "labels": map(one, "/metadata/labels"), "selector": map(one, "/spec/selector/matchLabels"), "age": self.age(one),
            })
        }))
    }

    pub(super) async fn endpoints(&self) -> Result<Json, Fault> {
        let found = self.objects("endpoints.v1").await?;
        let address = |address: &Json| {
            let mut out = json!({ "ip": at(address, "/ip"), "hostname": at(address, "/hostname"), "node_name": at(address, "/nodeName") });
            if let Some(target) = address.get("targetRef") {
                out["target_ref"] =
                    json!({ "kind": at(target, "/kind"), "name": at(target, "/name"), "namespace": at(target, "/namespace") });
            }
            out
        };
        let port = |port: &Json| json!({ "name": at(port, "/name"), "port": at(port, "/port"), "protocol": at(port, "/protocol"), "app_protocol": at(port, "/appProtocol") });
        Ok(self.items(&found, |one| {
            let subset = |subset: &Json| {
                json!({
                    "addresses": each(subset, "/addresses").iter().map(address).collect::<Vec<_>>(),
                    "not_ready_addresses": each(subset, "/notReadyAddresses").iter().map(address).collect::<Vec<_>>(),
                    "ports": each(subset, "/ports").iter().map(port).collect::<Vec<_>>(),
                })
            };
            json!({
                "name": at(one, "/metadata/name"), "namespace": at(one, "/metadata/namespace"),
                "subsets": each(one, "/subsets").iter().map(subset).collect::<Vec<_>>(),
            })
        }))
    }

    pub(super) async fn events(&self) -> Result<Json, Fault> {
        let query = EventQuery { scope: self.args.scope(), ..EventQuery::default() };
        let mut rows = self.on.kube.events(self.cluster, &query).await?;
        rows.reverse();
        Ok(self.told(&rows))
    }

    pub(super) async fn events_for(&self) -> Result<Json, Fault> {
        let rows = self.events_about(self.args.must("kind"), self.args.must("name")).await?;
        Ok(self.told(&rows))
    }

    fn told(&self, rows: &[EventRow]) -> Json {
        let most = usize::try_from(self.args.whole("limit")).unwrap_or(usize::MAX);
        let items: Vec<Json> = rows
            .iter()
            .take(most)
            .map(|row| {
                let mut one = brief(row);
                one["namespace"] = row.namespace.as_str().into();
                one["object"] = json!({ "kind": row.object_kind, "name": row.object_name, "namespace": row.object_namespace });
                one
            })
            .collect();
        json!({ "namespace": self.place(), "total": items.len(), "truncated": rows.len() > most, "items": items })
    }

    pub(super) async fn history(&self) -> Result<Json, Fault> {
        let name = self.args.must("name");
        let deployment = self.object("deployments.apps", name).await?;
        let revision = |object: &Json| {
            let annotations = object.pointer("/metadata/annotations");
            annotations.and_then(|all| all.get(REVISION)).and_then(Json::as_str).and_then(|text| text.parse::<u64>().ok()).unwrap_or(0)
        };
        let uid = at(&deployment, "/metadata/uid");
        let sets = LookFor { scope: self.args.scope(), ..LookFor::kind("replicasets.apps") };
        let mut sets = self.on.kube.objects(self.cluster, &sets).await?.items;
        sets.retain(|set| each(set, "/metadata/ownerReferences").iter().any(|owner| owner.get("uid") == Some(&uid)));
        sets.sort_by_key(|set| std::cmp::Reverse(revision(set)));
        let current = revision(&deployment);
        let revisions: Vec<Json> = sets
            .iter()
            .map(|set| {
                let cause = set.pointer("/metadata/annotations").and_then(|all| all.get(CAUSE)).cloned().unwrap_or(Json::Null);
                json!({
                    "revision": revision(set), "name": at(set, "/metadata/name"), "creation_time": at(set, "/metadata/creationTimestamp"),
                    "change_cause": cause, "replicas": number(set, "/spec/replicas"), "ready_replicas": number(set, "/status/readyReplicas"),
                    "is_current": revision(set) == current, "age": self.age(set),
                })
            })
            .collect();
        Ok(json!({ "deployment_name": name, "namespace": at(&deployment, "/metadata/namespace"), "current_revision": current,
                   "total_revisions": revisions.len(), "revisions": revisions }))
    }

    pub(super) async fn can_i(&self) -> Result<Json, Fault> {
        let access = Access {
            verb: self.args.must("verb").to_lowercase(),
            kind: self.args.must("kind").to_owned(),
            part: self.args.text("subresource").map(str::to_owned),
            name: self.args.text("name").map(str::to_owned),
            scope: self.args.scope(),
        };
        let answer = self.on.kube.may(self.cluster, &access).await?;
        Ok(
            json!({ "allowed": answer.allowed, "reason": answer.reason, "verb": access.verb, "resource": answer.resource, "namespace": answer.namespace }),
        )
    }

    pub(super) async fn list(&self, kind: &str) -> Result<Json, Fault> {
        let most = usize::try_from(self.args.whole("limit")).unwrap_or(usize::MAX);
        let query = LookFor {
            scope: self.args.scope(),
            labels: self.args.text("label_selector").map(str::to_owned),
            fields: self.args.text("field_selector").map(str::to_owned),
            // One more tells whether there are more.
            most: Some(most.saturating_add(1)),
            ..LookFor::kind(kind)
        };
        let mut table = self.on.kube.table(self.cluster, &query).await?;
        let truncated = table.rows.len() > most;
        table.rows.truncate(most);
        let items: Vec<Json> = table
            .rows
            .iter()
            .map(|row| {
                let mut item = json!({ "name": row.name, "namespace": row.namespace });
                for (column, cell) in table.columns.iter().zip(&row.cells).filter(|(column, _)| column.name != "Name") {
                    item[column.name.to_lowercase().replace([' ', '-'], "_")] = cell.clone();
                }
                item
            })
            .collect();
        Ok(json!({
            "kind": table.kind.kind, "api_version": table.kind.api_version(), "namespace": table.kind.namespaced.then(|| self.place()),
            "total": items.len(), "truncated": truncated, "items": items,
            "notes": table.notes.iter().map(|note| &note.en).collect::<Vec<_>>(),
        }))
    }

    pub(super) async fn get(&self, kind: &str) -> Result<Json, Fault> {
        Ok(json!({ "object": self.object(kind, self.args.must("name")).await? }))
    }

    pub(super) async fn describe(&self, kind: &str) -> Result<Json, Fault> {
        let name = self.args.must("name");
        let object = self.object(kind, name).await?;
        // Who may see the object and not its events still gets the object.
        let (events, why) = match self.events_about(kind, name).await {
            Ok(rows) => (Some(rows), None),
            Err(fault) if fault.code == "cluster_forbidden" => (None, Some(fault.message.en)),
            Err(fault) => return Err(fault),
        };
        Ok(json!({ "object": object, "events": events.map(|rows| rows.iter().map(brief).collect::<Vec<_>>()), "events_missing": why }))
    }
}
