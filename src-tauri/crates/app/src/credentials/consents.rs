//! What was said about programs: kept, shown with its last use, and taken back.

use std::collections::HashMap;

use domain::Json;
use domain::audit::{Event, Filter};
use domain::cluster::{ClusterDef, Consent, ConsentAnswer};
use domain::fault::{Fault, FaultKind};
use domain::id::{ClusterId, Millis};
use domain::policy::Actor;
use domain::text::Text;
use serde::Serialize;
use serde_json::json;

use super::faults::no_such;
use super::{Caller, ConsentFor, Credentials, QUARTER};
use crate::event::Tag;

/// A consent in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ConsentView {
    /// The program's file.
    pub program: String,
    /// SHA-256 of it when it was spoken of, in hex.
    pub sha256: String,
    /// The cluster's name; none for all clusters.
    pub cluster: Option<String>,
    /// The cluster's id; none for all clusters.
    pub cluster_id: Option<ClusterId>,
    /// `once`, `until`, `always`, `deny`.
    pub answer: &'static str,
    /// The end of `until`.
    pub until: Option<Millis>,
    /// When it was said.
    pub at: Millis,
    /// When the program last got a credential there, since then.
    pub last_used: Option<Millis>,
}

impl Credentials {
    /// Keeps what a person said about a program, for the cluster of that name or id, or for all with none.
    pub async fn consent(&self, caller: &Caller, answer: ConsentFor, cluster: Option<&str>, by: &Actor) -> Result<Consent, Fault> {
        let cluster = match cluster {
            None => None,
            Some(name) => Some(self.cluster(name).await?),
        };
        self.keep(caller, answer, cluster.as_ref(), by).await
    }

    pub(super) async fn keep(
        &self,
        caller: &Caller,
        answer: ConsentFor,
        cluster: Option<&ClusterDef>,
        by: &Actor,
    ) -> Result<Consent, Fault> {
        let now = self.now();
        let answer = match answer {
            ConsentFor::Once => ConsentAnswer::Once,
            ConsentFor::Quarter => ConsentAnswer::Until { until: Millis(now.0 + QUARTER) },
            ConsentFor::Always => ConsentAnswer::Always,
            ConsentFor::Deny => ConsentAnswer::Deny,
        };
        let consent = Consent {
            program: caller.program.clone(),
            sha256: caller.sha256.clone(),
            cluster: cluster.map(|cluster| cluster.id.clone()),
            answer,
            at: now,
        };
        // Written down first: a consent that nobody can find in the log must not exist.
        let detail = json!({ "program": caller.program, "sha256": caller.sha256, "consent": answer, "cluster": cluster.map(|c| &c.name) });
        self.note(by, cluster, "consent_given", detail).await?;
        self.parts.clusters.put_consent(&consent).await?;
        self.changed(Tag::Settings);
        Ok(consent)
    }

    /// Everything that was said and still counts, by program; a time that is over does not.
    pub async fn consents(&self) -> Result<Vec<ConsentView>, Fault> {
        let (now, names) = (self.now(), self.names().await?);
        let over = |consent: &Consent| matches!(consent.answer, ConsentAnswer::Until { until } if until <= now);
        let mut kept = self.parts.clusters.consents().await?;
        kept.retain(|consent| !over(consent));
        kept.sort_by(|a, b| (&a.program, &a.cluster).cmp(&(&b.program, &b.cluster)));
        let Some(oldest) = kept.iter().map(|consent| consent.at).min() else { return Ok(Vec::new()) };
        let uses = self.uses(oldest).await?;
        let view = |consent: Consent| {
            let (answer, until) = match consent.answer {
                ConsentAnswer::Once => ("once", None),
                ConsentAnswer::Until { until } => ("until", Some(until)),
                ConsentAnswer::Always => ("always", None),
                ConsentAnswer::Deny => ("deny", None),
            };
            let used = uses.iter().filter(|used| {
                used.program == consent.program
                    && used.at >= consent.at
                    && consent.cluster.as_ref().is_none_or(|only| used.cluster == *only)
            });
            ConsentView {
                last_used: used.map(|used| used.at).max(),
                cluster: consent.cluster.as_ref().map(|id| names.get(id).cloned().unwrap_or_else(|| id.to_string())),
                cluster_id: consent.cluster,
                program: consent.program,
                sha256: consent.sha256,
                answer,
                until,
                at: consent.at,
            }
        };
        Ok(kept.into_iter().map(view).collect())
    }

    /// Takes back what was said about a program: for the cluster of that name or id only, or everything with none.
    pub async fn take_back(&self, program: &str, cluster: Option<&str>, by: &Actor) -> Result<usize, Fault> {
        let only = match cluster {
            Some(name) => Some(self.cluster(name).await?.id),
            None => None,
        };
        let fits = |consent: &Consent| consent.program == program && (only.is_none() || consent.cluster == only);
        let kept: Vec<Consent> = self.parts.clusters.consents().await?.into_iter().filter(fits).collect();
        if kept.is_empty() {
            return Err(nothing_said(program, cluster));
        }
        for consent in &kept {
            self.take_back_one(program, consent.cluster.as_ref(), by).await?;
        }
        Ok(kept.len())
    }

    /// Takes back exactly one: what was said for that cluster, or for all with none.
    pub async fn take_back_one(&self, program: &str, cluster: Option<&ClusterId>, by: &Actor) -> Result<(), Fault> {
        let name = match cluster {
            Some(id) => Some(self.names().await?.remove(id).unwrap_or_else(|| id.to_string())),
            None => None,
        };
        // What lets less happen is done first, so that a full disk cannot keep a yes alive.
        let found = self.parts.clusters.remove_consent(program, cluster).await?;
        self.changed(Tag::Settings);
        if !found {
            return Err(nothing_said(program, name.as_deref()));
        }
        self.note(by, None, "consent_withdrawn", json!({ "program": program, "cluster": name })).await
    }

    async fn cluster(&self, named: &str) -> Result<ClusterDef, Fault> {
        let all = self.parts.clusters.clusters().await?;
        let found = all.iter().find(|cluster| cluster.id.as_str() == named).or_else(|| all.iter().find(|cluster| cluster.name == named));
        found.cloned().ok_or_else(|| no_such(named))
    }

    async fn names(&self) -> Result<HashMap<ClusterId, String>, Fault> {
        Ok(self.parts.clusters.clusters().await?.into_iter().map(|cluster| (cluster.id, cluster.name)).collect())
    }

    /// Credentials that were given since then, as the log has them.
    async fn uses(&self, from: Millis) -> Result<Vec<Use>, Fault> {
        let filter = Filter {
            from: Some(from),
            ending: Some("note".into()),
            text: Some("credential_issued".into()),
            limit: 1_000,
            ..Filter::default()
        };
        let rows = self.parts.audit.list(filter).await?;
        let read = |row: domain::audit::Row| match row.entry.event {
            Event::Note { what, detail } if what == "credential_issued" => {
                let text = |field: &str| detail.get(field).and_then(Json::as_str).map(str::to_owned);
                Some(Use { program: text("program")?, cluster: ClusterId::new(text("clusterId")?), at: row.entry.at })
            }
            _ => None,
        };
        Ok(rows.into_iter().filter_map(read).collect())
    }
}

/// One credential that was given.
struct Use {
    program: String,
    cluster: ClusterId,
    at: Millis,
}

fn nothing_said(program: &str, cluster: Option<&str>) -> Fault {
    let (en, zh) = cluster.map_or_else(|| (String::new(), String::new()), |name| (format!(" for {name}"), format!("（{name}）")));
    Fault::new(
        FaultKind::NotFound,
        "no_such_consent",
        Text::new(format!("nothing was said about {program}{en}"), format!("没有关于 {program} 的许可{zh}")),
        Text::new("See what was said with: pilot cluster consents", "用 pilot cluster consents 查看已有许可"),
    )
    .with_params(json!({ "program": program, "cluster": cluster }))
}
