//! Kubeconfigs: what one says, what is taken out of it, and how it is rewritten so that nothing secret stays in it.

mod certificate;
mod document;
mod fault;
mod oidc_login;
mod replace;
mod review;
mod rewrite;
mod search;
mod source;
mod take;
mod user;

#[cfg(test)]
mod tests;

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use domain::fault::Fault;
use domain::kubeconfig::{Finding, KubeBytes, KubeReview, KubeSource, Kubeconfigs, Needle, Rewiring, Rewrite, Taken, Wanted};
use domain::vault::SecretBytes;

/// How `kubectl` calls us for a credential.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Helper {
    /// The whole path of `pilot`.
    pub program: String,
    /// Where everything is kept, when that is not the usual place.
    pub config_dir: Option<String>,
}

/// Reads kubeconfigs from files, and rewrites them.
#[derive(Debug, Clone)]
pub struct KubeFiles {
    helper: Helper,
    path: Option<OsString>,
}

impl KubeFiles {
    /// `path` is where programs without a folder are looked for (`PATH`).
    pub fn new(helper: Helper, path: Option<OsString>) -> Self {
        Self { helper, path }
    }

    /// Files may be slow, or on another machine: they do not hold up whoever else works here.
    async fn off<T: Send + 'static>(work: impl FnOnce() -> Result<T, Fault> + Send + 'static) -> Result<T, Fault> {
        tokio::task::spawn_blocking(work).await.unwrap_or_else(|_| Err(fault::defect("reading a kubeconfig")))
    }
}

#[async_trait]
impl Kubeconfigs for KubeFiles {
    async fn review(&self, source: &KubeSource) -> Result<KubeReview, Fault> {
        let source = source.clone();
        Self::off(move || Ok(review::review(&source::load(&source)?))).await
    }

    async fn take(&self, source: &KubeSource, digest: &str, wanted: &[Wanted]) -> Result<Vec<Taken>, Fault> {
        let (source, digest, wanted, path) = (source.clone(), digest.to_owned(), wanted.to_vec(), self.path.clone());
        Self::off(move || {
            let list = source::load(&source)?;
            if list.digest != digest {
                return Err(fault::changed(&list.names()));
            }
            Ok(wanted.iter().map(|want| take::take(&list, want, path.as_deref())).collect())
        })
        .await
    }

    async fn read(&self, file: &Path) -> Result<KubeBytes, Fault> {
        let file = file.to_owned();
        Self::off(move || {
            let read = source::read(&file)?;
            if let Some(folder) = read.path.parent() {
                replace::sweep(folder);
            }
            Ok(read)
        })
        .await
    }

    async fn plan(&self, file: &Path, beside: &[PathBuf], wants: &[Rewiring]) -> Result<Rewrite, Fault> {
        let (file, beside, wants, helper) = (file.to_owned(), beside.to_vec(), wants.to_vec(), self.helper.clone());
        Self::off(move || rewrite::plan(&file, &beside, &wants, &helper)).await
    }

    async fn replace(&self, file: &Path, sha256: &str, with: &SecretBytes) -> Result<(), Fault> {
        let (file, sha256, with) = (file.to_owned(), sha256.to_owned(), with.clone());
        Self::off(move || replace::replace(&file, &sha256, &with, &mut replace::Disk)).await
    }

    async fn create(&self, file: &Path, with: &SecretBytes) -> Result<(), Fault> {
        let (file, with) = (file.to_owned(), with.clone());
        Self::off(move || replace::create(&file, &with)).await
    }

    async fn search(&self, kubeconfigs: &[PathBuf], further: &[PathBuf], needles: &[Needle]) -> Result<Vec<Finding>, Fault> {
        let (kubeconfigs, further, needles) = (kubeconfigs.to_vec(), further.to_vec(), needles.to_vec());
        Self::off(move || Ok(search::search(&kubeconfigs, &further, &needles))).await
    }
}
