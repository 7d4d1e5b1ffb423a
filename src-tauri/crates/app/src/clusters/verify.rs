//! Proves that nothing is left: no secret of an imported cluster in its kubeconfig, in copies of it, or in the files that it named.

use std::path::PathBuf;

use domain::Json;
use domain::cluster::{ClusterAuth, ClusterDef};
use domain::fault::Fault;
use domain::kubeconfig::{Finding, Needle};
use domain::vault::SecretBytes;
use serde::Serialize;

use super::ClusterBook;

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// Whether nothing was found.
    pub ok: bool,
    /// What was found, and where.
    pub findings: Vec<Finding>,
}

impl ClusterBook {
    /// Looks through files, and through every file that a cluster came from when none is named. Needs the vault open: what must not be
    /// found has to be known.
    pub async fn verify(&self, files: &[PathBuf], usual: &[PathBuf]) -> Result<Verdict, Fault> {
        let defs = self.core.ports.clusters.clusters().await?;
        let mut looked: Vec<PathBuf> = files.to_vec();
        if looked.is_empty() {
            looked.extend(usual.iter().filter(|file| file.exists()).cloned());
            looked.extend(
                defs.iter()
                    .filter_map(|def| def.source.as_ref())
                    .filter(|source| !source.file.is_empty())
                    .map(|source| PathBuf::from(&source.file)),
            );
            looked.dedup();
        } else {
            for file in files {
                // A file that was named and is not there proves nothing.
                self.core.ports.kubeconfigs.read(file).await?;
            }
        }
        let mut needles = Vec::new();
        for def in &defs {
            self.needles(def, &mut needles).await?;
        }
        let real: Vec<PathBuf> = looked.iter().map(|file| file.canonicalize().unwrap_or_else(|_| file.clone())).collect();
        let further: Vec<PathBuf> = defs
            .iter()
            .filter_map(|def| def.source.as_ref())
            .filter(|source| real.contains(&PathBuf::from(&source.file)))
            .flat_map(|source| source.key_files.iter().map(PathBuf::from))
            .collect();
        let findings = self.core.ports.kubeconfigs.search(&looked, &further, &needles).await?;
        Ok(Verdict { ok: findings.is_empty(), findings })
    }

    async fn needles(&self, def: &ClusterDef, needles: &mut Vec<Needle>) -> Result<(), Fault> {
        let vault = &self.core.ports.vault;
        let kind = match &def.auth {
            ClusterAuth::Anonymous => "",
            ClusterAuth::ClientCertificate { .. } => "client_key",
            ClusterAuth::Token { .. } | ClusterAuth::TokenFile { .. } => "token",
            ClusterAuth::Basic { .. } => "password",
            ClusterAuth::Exec { .. } => "variable",
            ClusterAuth::Oidc { .. } => "sign_in",
        };
        for id in def.auth.secrets() {
            let value = vault.open(id).await?;
            let parts = match &def.auth {
                ClusterAuth::Basic { .. } | ClusterAuth::Exec { .. } | ClusterAuth::Oidc { .. } => parts(&value),
                _ => vec![(String::new(), value)],
            };
            let secret = |name: &str| match &def.auth {
                // A user's name and a region are found everywhere, and rightly.
                ClusterAuth::Basic { .. } => name == "password",
                ClusterAuth::Exec { .. } => looks_secret(name),
                _ => true,
            };
            needles.extend(parts.into_iter().filter(|(name, _)| secret(name)).map(|(_, value)| Needle { kind: kind.into(), value }));
        }
        if let Some(id) = def.proxy.as_ref().and_then(|proxy| proxy.credentials.as_ref()) {
            let value = vault.open(id).await?;
            if let Some(at) = value.expose().iter().position(|byte| *byte == b':') {
                let password = SecretBytes::new(value.expose().get(at + 1..).unwrap_or_default());
                needles.push(Needle { kind: "proxy_credentials".into(), value: password });
            }
        }
        Ok(())
    }
}

/// The texts of a secret that is an object of texts.
fn parts(value: &SecretBytes) -> Vec<(String, SecretBytes)> {
    let whole: Json = serde_json::from_slice(value.expose()).unwrap_or_default();
    let entries = whole.as_object().into_iter().flatten();
    entries.filter_map(|(name, value)| Some((name.clone(), SecretBytes::new(value.as_str()?)))).collect()
}

fn looks_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["token", "secret", "password", "passwd", "credential", "key"].iter().any(|word| name.contains(word))
}
