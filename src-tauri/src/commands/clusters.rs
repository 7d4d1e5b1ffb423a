//! Commands about clusters and the kubeconfigs that they come from.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::UNIX_EPOCH;

use app::clusters::{ClusterView as Seen, ImportOrder};
use base64::Engine as _;
use domain::cluster::{ClusterAuth, ClusterDef, is_production};
use domain::fault::{Fault, FaultKind};
use domain::kubeconfig::{KubeReview, KubeSource, Wanted};
use domain::text::Text;
use domain::vault::SecretBytes;
use ipc::clusters::{
    ClusterDetail, ClusterImportReq, ClusterImportRes, ClusterRemoveReq, ClusterView, ClustersView, ExecView, FilesReq, FindingsView,
    ImportedView, KubeconfigView, RefusedView, RestoreReq, ReviewReq, ReviewView,
};
use ipc::common::{IdReq, Nothing, PickRes, UiFault};
use sha2::Digest as _;
use tauri::{AppHandle, State};
use tauri_plugin_dialog::DialogExt as _;

use super::activity::misfit;
use super::cluster_reach;
use super::vault::path_of;
use crate::cabin::Cabin;

type Answer<T> = Result<T, UiFault>;

/// What was looked at last, until it is imported or something else is looked at: pasted text need not go to the window and back.
#[derive(Default)]
pub(crate) struct Looked(Mutex<Option<Held>>);

struct Held {
    id: String,
    source: KubeSource,
    review: KubeReview,
}

impl Looked {
    fn put(&self, source: KubeSource, review: KubeReview) -> String {
        let id = uuid::Uuid::new_v4().to_string();
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Held { id: id.clone(), source, review });
        id
    }

    fn get(&self, id: &str) -> Result<(KubeSource, KubeReview), Fault> {
        let held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let held = held.as_ref().filter(|held| held.id == id);
        held.map(|held| (held.source.clone(), held.review.clone())).ok_or_else(|| {
            Fault::new(
                FaultKind::Usage,
                "review_gone",
                Text::new("nothing was imported: another kubeconfig was looked at since", "未导入：此后又查看了另一个 kubeconfig"),
                Text::new("go back and look at it again", "请返回并重新查看"),
            )
        })
    }

    fn forget(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

fn some(text: String) -> Option<String> {
    Some(text).filter(|text| !text.is_empty())
}

pub(super) fn view(seen: Seen) -> ClusterView {
    let used = seen.last_used_by.clone();
    ClusterView {
        id: seen.id.as_str().to_owned(),
        colour: seen.colour.or_else(|| is_production(&seen.name).then(|| "red".to_owned())),
        name: seen.name,
        server: seen.server,
        auth: seen.auth,
        expires_at: seen.expires_at.map(|at| at.0),
        insecure: seen.insecure,
        file: some(seen.file),
        rewritten: seen.rewritten,
        last_used: seen.last_used.map(|at| at.0),
        last_used_by: used.as_ref().map(|used| used.by.clone()),
        last_used_program: used.and_then(|used| used.program),
        read_only: seen.read_only,
        reach: cluster_reach::standing(seen.standing),
        updated_at: seen.updated_at.0,
    }
}

fn detail(seen: Seen, def: ClusterDef) -> ClusterDetail {
    let impersonate = def.impersonate.and_then(|as_whom| {
        let user = as_whom.user.unwrap_or_default();
        let groups = as_whom.groups.join(", ");
        some(if groups.is_empty() { user } else { format!("{user} ({groups})").trim().to_owned() })
    });
    let mut out = ClusterDetail {
        context: def.source.as_ref().map(|source| source.context.clone()),
        user: def.source.map(|source| source.user),
        exec: None,
        trusted: false,
        issuer: None,
        token_file: None,
        follows: false,
        ca_sha256: def.ca_pem.as_deref().map(fingerprints).unwrap_or_default(),
        tls_server_name: def.tls_server_name,
        proxy: def.proxy.map(|proxy| proxy.url),
        namespace: def.namespace,
        impersonate,
        view: view(seen),
    };
    match def.auth {
        ClusterAuth::Exec { plugin } => {
            out.trusted = !plugin.trust.is_empty();
            let argv = std::iter::once(plugin.command).chain(plugin.args).collect();
            out.exec = Some(ExecView { argv, env_names: plugin.env_names, folder: plugin.base_dir });
        }
        ClusterAuth::TokenFile { path, follow, .. } => {
            out.token_file = Some(path);
            out.follows = follow;
        }
        ClusterAuth::Oidc { issuer, .. } => out.issuer = Some(issuer),
        _ => {}
    }
    out
}

/// SHA-256 of each certificate of a PEM text, in hex.
fn fingerprints(pem: &str) -> Vec<String> {
    let decoded = domain::pem::certificates(pem).into_iter().filter_map(|body| base64::engine::general_purpose::STANDARD.decode(body).ok());
    decoded.map(|der| domain::tool::hex(&sha2::Sha256::digest(der))).collect()
}

#[tauri::command]
pub(super) async fn cluster_list(cabin: State<'_, Cabin>, req: Nothing) -> Answer<ClustersView> {
    let Nothing {} = req;
    all(&cabin).await
}

/// The Clusters page.
pub(super) async fn all(cabin: &Cabin) -> Answer<ClustersView> {
    let clusters = &cabin.app().await?.clusters;
    let all = clusters.list().await?;
    Ok(ClustersView { locked: clusters.locked().await?, clusters: all.into_iter().map(view).collect() })
}

#[tauri::command]
pub(super) async fn cluster_get(cabin: State<'_, Cabin>, req: IdReq) -> Answer<ClusterDetail> {
    one(&cabin, &req.id).await
}

/// Everything about one cluster.
pub(super) async fn one(cabin: &Cabin, id: &str) -> Answer<ClusterDetail> {
    let clusters = &cabin.app().await?.clusters;
    let def = clusters.get(id).await?;
    let seen = clusters.list().await?.into_iter().find(|seen| seen.id == def.id);
    // Removed between the two questions.
    let seen = seen.ok_or_else(|| misfit("id", id))?;
    Ok(detail(seen, def))
}

#[tauri::command]
pub(super) async fn cluster_remove(cabin: State<'_, Cabin>, req: ClusterRemoveReq) -> Answer<Nothing> {
    cabin.app().await?.clusters.remove(&req.id, req.anyway, cabin.actor()).await?;
    Ok(Nothing {})
}

#[tauri::command]
pub(super) async fn cluster_lock(cabin: State<'_, Cabin>, req: Nothing) -> Answer<Nothing> {
    cabin.app().await?.clusters.lock(cabin.actor()).await?;
    Ok(req)
}

#[tauri::command]
pub(super) async fn cluster_unlock(cabin: State<'_, Cabin>, req: Nothing) -> Answer<Nothing> {
    cabin.app().await?.clusters.unlock(cabin.actor()).await?;
    Ok(req)
}

#[tauri::command]
pub(super) async fn cluster_verify(cabin: State<'_, Cabin>, req: FilesReq) -> Answer<FindingsView> {
    let files: Vec<PathBuf> = req.files.into_iter().map(PathBuf::from).collect();
    let verdict = cabin.app().await?.clusters.verify(&files, &assembly::usual_kubeconfigs()).await?;
    Ok(FindingsView { ok: verdict.ok, findings: verdict.findings.into_iter().map(Into::into).collect() })
}

#[tauri::command]
pub(super) async fn cluster_restore(cabin: State<'_, Cabin>, req: RestoreReq) -> Answer<Nothing> {
    cabin.app().await?.clusters.restore(&PathBuf::from(req.file), req.anyway, cabin.actor()).await?;
    Ok(Nothing {})
}

/// The usual files that are there. They are not read.
#[tauri::command]
pub(super) async fn kubeconfig_list(req: Nothing) -> Answer<Vec<KubeconfigView>> {
    let Nothing {} = req;
    let mut found = Vec::new();
    for path in assembly::usual_kubeconfigs() {
        let Ok(facts) = tokio::fs::metadata(&path).await else { continue };
        if !facts.is_file() {
            continue;
        }
        let changed = facts.modified().ok().and_then(|at| at.duration_since(UNIX_EPOCH).ok());
        found.push(KubeconfigView {
            path: path.display().to_string(),
            bytes: facts.len(),
            changed_at: changed.and_then(|since| i64::try_from(since.as_millis()).ok()),
        });
    }
    Ok(found)
}

#[tauri::command]
pub(super) async fn kubeconfig_pick(handle: AppHandle, req: Nothing) -> Answer<PickRes> {
    let Nothing {} = req;
    let (tell, picked) = tokio::sync::oneshot::channel();
    handle.dialog().file().pick_file(move |path| {
        let _ = tell.send(path);
    });
    Ok(PickRes { path: path_of(picked.await).map(|path| path.display().to_string()) })
}

#[tauri::command]
pub(super) async fn cluster_review(cabin: State<'_, Cabin>, looked: State<'_, Looked>, req: ReviewReq) -> Answer<ReviewView> {
    let source = match &req.text {
        Some(text) => KubeSource::Text(SecretBytes::from(text)),
        None => KubeSource::Files(req.files.into_iter().map(PathBuf::from).collect()),
    };
    let review = cabin.app().await?.clusters.review(&source).await?;
    let shown = review.clone();
    Ok(ReviewView {
        id: looked.put(source, review),
        files: shown.files.into_iter().map(Into::into).collect(),
        current: shown.current,
        contexts: shown.contexts.into_iter().map(Into::into).collect(),
    })
}

#[tauri::command]
pub(super) async fn cluster_import(cabin: State<'_, Cabin>, looked: State<'_, Looked>, req: ClusterImportReq) -> Answer<ClusterImportRes> {
    let app = cabin.app().await?;
    let (source, review) = looked.get(&req.review)?;
    let wanted = req.take.iter().map(|context| Wanted {
        context: context.clone(),
        trust_exec: req.trust.contains(context),
        follow_token_file: req.follow.contains(context),
        sign_in: req.sign.contains(context),
    });
    let order = ImportOrder { source, review, wanted: wanted.collect(), rewrite: req.rewrite };
    let done = app.clusters.import(&order, cabin.actor()).await?;
    looked.forget();
    let files: BTreeSet<String> =
        done.clusters.iter().filter(|one| one.rewritten).filter_map(|one| file_of(&order.review, &one.context)).collect();
    Ok(ClusterImportRes {
        clusters: done
            .clusters
            .into_iter()
            .map(|one| ImportedView {
                id: one.id.as_str().to_owned(),
                context: one.context,
                server: one.server,
                auth: one.auth,
                rewritten: one.rewritten,
            })
            .collect(),
        refused: done.refused.into_iter().map(|one| RefusedView { context: one.context, reason: one.reason.into() }).collect(),
        files: files.into_iter().collect(),
    })
}

/// The file that holds a context's credential.
fn file_of(review: &KubeReview, context: &str) -> Option<String> {
    let found = review.contexts.iter().find(|one| one.context == context)?;
    some(if found.user_file.is_empty() { found.file.clone() } else { found.user_file.clone() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_looked_at_is_imported_once_and_only_while_nothing_else_was_looked_at() {
        let looked = Looked::default();
        let review = || KubeReview { files: Vec::new(), current: None, contexts: Vec::new(), digest: String::new() };
        let first = looked.put(KubeSource::Text(SecretBytes::new("a")), review());
        assert!(looked.get(&first).is_ok());
        let second = looked.put(KubeSource::Text(SecretBytes::new("b")), review());
        assert_eq!(looked.get(&first).map(|_| ()).unwrap_err().code, "review_gone");
        assert!(looked.get(&second).is_ok());
        looked.forget();
        assert_eq!(looked.get(&second).map(|_| ()).unwrap_err().code, "review_gone");
    }

    #[test]
    fn each_certificate_has_its_own_fingerprint() {
        let pem =
            "-----BEGIN CERTIFICATE-----\nYWJj\n-----END CERTIFICATE-----\n-----BEGIN CERTIFICATE-----\nYWJk\n-----END CERTIFICATE-----\n";
        let found = fingerprints(pem);
        assert_eq!(found[0], "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_eq!(found.len(), 2);
    }
}
