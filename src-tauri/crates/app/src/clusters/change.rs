//! What a person may change about a cluster after its import: name, colour, namespace, whether it is read only, whether its certificate is
//! checked and by which authorities, and whether its program may be run.
//!
//! **Invariant:** every change is in the audit log, with the old and the new value, before it counts.

use domain::cluster::{COLOURS, ClusterAuth, ClusterDef};
use domain::fault::{Fault, FaultKind};
use domain::policy::{Actor, Door};
use domain::reach::PluginFacts;
use domain::secret::{Secret, SecretMap};
use domain::text::Text;
use domain::{Json, JsonMap, pem};
use serde_json::json;

use super::ClusterBook;
use crate::event::Tag;
use crate::shown;

/// What shall be otherwise. What is none stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ClusterChange {
    /// Another name.
    pub name: Option<String>,
    /// A colour of [`COLOURS`]; `Some(None)` takes it back.
    pub colour: Option<Option<String>>,
    /// Whether nothing may be changed there.
    pub read_only: Option<bool>,
    /// Another namespace; `Some(None)` for the usual one.
    pub namespace: Option<Option<String>>,
    /// Whether its certificate goes unchecked.
    pub insecure: Option<Unchecked>,
    /// The authorities that sign its certificate (PEM); `Some(None)` for the system's.
    pub authorities: Option<Option<String>>,
    /// Whether its program may be run for a credential.
    pub trust: Option<ExecTrust>,
}

/// Whether a server's certificate goes unchecked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unchecked {
    /// It is checked.
    Off,
    /// It is not. Only for whoever typed the cluster's name.
    On {
        /// What was typed.
        typed: String,
    },
}

/// Whether a program may be run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExecTrust {
    /// Not any more.
    Withdrawn,
    /// As it was shown.
    Given {
        /// [`PluginFacts::trust`] of what was shown: a program that changed since is not agreed to.
        key: String,
    },
}

/// The longest name, in characters.
const LONGEST: usize = 100;

impl ClusterBook {
    /// Changes a cluster. Only a person does, at the window or a terminal.
    pub async fn set(&self, named: &str, change: &ClusterChange, by: &Actor) -> Result<ClusterDef, Fault> {
        if !matches!(by.door, Door::Window | Door::Cli) {
            return Err(Fault::new(
                FaultKind::Denied,
                "door_refused",
                Text::new(
                    format!("{named} was not changed: only a person at the window or a terminal may do that"),
                    format!("未更改 {named}：只有窗口或终端前的人可以更改"),
                ),
                Text::default(),
            ));
        }
        let old = self.get(named).await?;
        let mut new = old.clone();
        if let Some(name) = &change.name {
            new.name = self.free(&old, name).await?;
        }
        if let Some(colour) = &change.colour {
            new.colour = colour.as_deref().map(known_colour).transpose()?;
        }
        if let Some(namespace) = &change.namespace {
            new.namespace = namespace.as_deref().map(|namespace| sound_namespace(&old, namespace)).transpose()?;
        }
        if let Some(read_only) = change.read_only {
            new.read_only = read_only;
        }
        if let Some(unchecked) = &change.insecure {
            new.insecure = match unchecked {
                Unchecked::Off => false,
                Unchecked::On { typed } if *typed == old.name => true,
                Unchecked::On { .. } => return Err(not_typed(&old)),
            };
        }
        if let Some(authorities) = &change.authorities {
            new.ca_pem = authorities.as_deref().map(|text| sound_authorities(&old, text)).transpose()?;
        }
        if let Some(trust) = &change.trust {
            self.set_trust(&mut new, trust).await?;
        }
        let told = differences(&old, &new);
        if told.is_empty() {
            return Ok(old);
        }
        new.updated_at = self.core.now();
        let detail = json!({ "clusterId": old.id, "cluster": old.name, "server": old.server, "changes": told });
        self.core.note(by, None, "cluster_changed", detail).await?;
        self.core.ports.clusters.put_clusters(std::slice::from_ref(&new)).await?;
        self.core.events.changed(Tag::Clusters);
        Ok(new)
    }

    /// The program of a cluster as it stands on this machine: what a yes would be bound to. Runs nothing.
    pub async fn plugin(&self, named: &str) -> Result<PluginFacts, Fault> {
        self.plugin_of(&self.get(named).await?).await
    }

    async fn plugin_of(&self, def: &ClusterDef) -> Result<PluginFacts, Fault> {
        let ClusterAuth::Exec { plugin } = &def.auth else { return Err(no_program(def)) };
        let env: SecretMap = match &plugin.env {
            None => SecretMap::new(),
            Some(id) => {
                let value = self.core.ports.vault.open(id).await?;
                let read: std::collections::BTreeMap<String, Secret> = serde_json::from_slice(value.expose()).unwrap_or_default();
                read.into_iter().collect()
            }
        };
        self.core.ports.reach.plugin(&def.server, plugin, &env).await
    }

    async fn set_trust(&self, def: &mut ClusterDef, trust: &ExecTrust) -> Result<(), Fault> {
        let key = match trust {
            ExecTrust::Withdrawn => String::new(),
            ExecTrust::Given { key } => {
                let now = self.plugin_of(def).await?;
                if now.trust != *key {
                    return Err(Fault::new(
                        FaultKind::Denied,
                        "exec_changed",
                        Text::new(
                            format!("{} was not agreed to: it changed since it was shown", now.program),
                            format!("未许可 {}：它在展示之后发生了变化", now.program),
                        ),
                        Text::new("Look at it again.", "请重新查看。"),
                    ));
                }
                now.trust
            }
        };
        match &mut def.auth {
            ClusterAuth::Exec { plugin } => plugin.trust = key,
            _ => return Err(no_program(def)),
        }
        Ok(())
    }

    async fn free(&self, old: &ClusterDef, name: &str) -> Result<String, Fault> {
        let name = name.trim();
        if name.is_empty() || name.chars().count() > LONGEST || name.contains(['\n', '\t']) || name.chars().any(shown::hides) {
            return Err(misfit(
                old,
                "cluster_name",
                "a name has 1 to 100 visible characters, on one line",
                "名称须为 1 到 100 个可见字符，且不换行",
            ));
        }
        let all = self.core.ports.clusters.clusters().await?;
        if all.iter().any(|other| other.id != old.id && (other.name == name || other.id.as_str() == name)) {
            return Err(Fault::new(
                FaultKind::Config,
                "cluster_name_taken",
                Text::new(
                    format!("the cluster {} was not renamed: there is another cluster of the name {name}", old.name),
                    format!("未重命名 {}：已有另一个集群名为 {name}", old.name),
                ),
                Text::new("Choose another name.", "请换一个名称。"),
            )
            .with_params(json!({ "name": name })));
        }
        Ok(name.to_owned())
    }
}

fn known_colour(colour: &str) -> Result<String, Fault> {
    COLOURS.iter().find(|known| **known == colour).map(|known| (*known).to_owned()).ok_or_else(|| {
        let all = COLOURS.join(", ");
        Fault::new(
            FaultKind::Usage,
            "unknown_colour",
            Text::new(format!("there is no colour \"{colour}\" here"), format!("没有颜色“{colour}”")),
            Text::new(format!("Take one of: {all}, none"), format!("可用的颜色：{all}、none")),
        )
    })
}

/// A namespace as Kubernetes names them (RFC 1123).
fn sound_namespace(cluster: &ClusterDef, namespace: &str) -> Result<String, Fault> {
    let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let fits = (1..=63).contains(&namespace.len())
        && namespace.chars().all(|c| inner(c) || c == '-')
        && namespace.starts_with(inner)
        && namespace.ends_with(inner);
    if fits {
        return Ok(namespace.to_owned());
    }
    Err(misfit(
        cluster,
        "cluster_namespace",
        "a namespace has 1 to 63 small letters, digits and hyphens, none of them at its ends",
        "命名空间须为 1 到 63 个小写字母、数字或连字符，且首尾不能是连字符",
    ))
}

fn sound_authorities(cluster: &ClusterDef, text: &str) -> Result<String, Fault> {
    // Keys have no business here, and must not be kept in plain text.
    if text.contains("PRIVATE KEY") || pem::certificates(text).is_empty() {
        return Err(misfit(
            cluster,
            "cluster_ca",
            "the authorities have to be certificates in PEM form, and nothing else",
            "证书颁发机构须为 PEM 格式的证书，且不含其他内容",
        ));
    }
    Ok(text.trim().to_owned() + "\n")
}

/// What differs, by field: the old and the new value. Of a program's key only whether there is one, of certificates only how many.
fn differences(old: &ClusterDef, new: &ClusterDef) -> JsonMap {
    let trusted = |def: &ClusterDef| match &def.auth {
        ClusterAuth::Exec { plugin } => Some(plugin.trust.clone()),
        _ => None,
    };
    let fields: [(&str, Json, Json); 5] = [
        ("name", json!(old.name), json!(new.name)),
        ("colour", json!(old.colour), json!(new.colour)),
        ("namespace", json!(old.namespace), json!(new.namespace)),
        ("readOnly", json!(old.read_only), json!(new.read_only)),
        ("insecure", json!(old.insecure), json!(new.insecure)),
    ];
    let mut told: JsonMap = fields
        .into_iter()
        .filter(|(_, old, new)| old != new)
        .map(|(field, old, new)| (field.to_owned(), json!({ "old": old, "new": new })))
        .collect();
    if old.ca_pem != new.ca_pem {
        let prints = |def: &ClusterDef| def.ca_pem.as_deref().map(fingerprints);
        told.insert("authorities".into(), json!({ "old": prints(old), "new": prints(new) }));
    }
    if trusted(old) != trusted(new) {
        // The key itself says exactly what was agreed to, and is no secret.
        told.insert("trustExec".into(), json!({ "old": trusted(old), "new": trusted(new) }));
    }
    told
}

/// SHA-256 of each certificate of a PEM text, in hex.
fn fingerprints(text: &str) -> Vec<String> {
    use base64::Engine as _;
    use sha2::Digest as _;
    let der = pem::certificates(text).into_iter().filter_map(|body| base64::engine::general_purpose::STANDARD.decode(body).ok());
    der.map(|der| domain::tool::hex(&sha2::Sha256::digest(der))).collect()
}

fn misfit(cluster: &ClusterDef, code: &str, en: &str, zh: &str) -> Fault {
    let name = &cluster.name;
    Fault::new(
        FaultKind::Usage,
        code,
        Text::new(format!("the cluster {name} was not changed: {en}"), format!("未更改 {name}：{zh}")),
        Text::new("Correct it and try again.", "请更正后重试。"),
    )
    .with_params(json!({ "cluster": name }))
}

fn not_typed(cluster: &ClusterDef) -> Fault {
    let name = &cluster.name;
    Fault::new(
        FaultKind::Denied,
        "name_not_typed",
        Text::new(
            format!("the certificate of {name} stays checked: what was typed is not the cluster's name"),
            format!("{name} 的证书仍会校验：输入的内容不是该集群的名称"),
        ),
        Text::new(
            "Better than this: name the authority that signed its certificate (--authorities FILE). Else type the name exactly.",
            "更好的做法：指定签发其证书的机构（--authorities 文件）。否则请准确输入名称。",
        ),
    )
    .with_params(json!({ "cluster": name }))
}

fn no_program(cluster: &ClusterDef) -> Fault {
    let name = &cluster.name;
    Fault::new(
        FaultKind::Usage,
        "no_program",
        Text::new(format!("the cluster {name} runs no program to sign in"), format!("{name} 登录时不运行任何程序")),
        Text::default(),
    )
    .with_params(json!({ "cluster": name }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cluster() -> ClusterDef {
        let value = json!({
            "id": "1", "name": "prod", "server": "https://a", "insecure": false, "auth": { "kind": "anonymous" }, "readOnly": false,
            "createdAt": 0, "updatedAt": 0,
        });
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn a_namespace_is_what_kubernetes_takes_for_one() {
        for (text, fits) in [
            ("a", true),
            ("kube-system", true),
            ("1a", true),
            ("", false),
            ("-a", false),
            ("a-", false),
            ("A", false),
            ("a.b", false),
            ("a/b", false),
            ("é", false),
        ] {
            assert_eq!(sound_namespace(&cluster(), text).is_ok(), fits, "{text}");
        }
        assert!(sound_namespace(&cluster(), &"a".repeat(63)).is_ok() && sound_namespace(&cluster(), &"a".repeat(64)).is_err());
    }

    #[test]
    fn a_colour_is_one_of_the_palette_and_authorities_are_certificates_alone() {
        assert_eq!(known_colour("red").unwrap(), "red");
        for colour in ["Red", "crimson", ""] {
            assert_eq!(known_colour(colour).unwrap_err().code, "unknown_colour", "{colour}");
        }
        let certificate = "-----BEGIN CERTIFICATE-----\nYWJj\n-----END CERTIFICATE-----\n";
        assert_eq!(sound_authorities(&cluster(), certificate).unwrap(), certificate);
        let with_key = format!("{certificate}-----BEGIN PRIVATE KEY-----\nYWJj\n-----END PRIVATE KEY-----\n");
        for text in [with_key.as_str(), "", "abc"] {
            assert_eq!(sound_authorities(&cluster(), text).unwrap_err().code, "cluster_ca", "{text}");
        }
    }

    #[test]
    fn what_changed_is_told_with_old_and_new_value_and_nothing_else() {
        let old = cluster();
        let new = ClusterDef { read_only: true, name: "eu".into(), ..old.clone() };
        assert_eq!(
            Json::Object(differences(&old, &new)),
            json!({ "name": { "old": "prod", "new": "eu" }, "readOnly": { "old": false, "new": true } })
        );
        assert!(differences(&old, &old).is_empty());
    }
}
