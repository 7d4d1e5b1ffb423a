//! Commands about the vault. Secrets come in, facts go out.

use std::collections::HashMap;
use std::path::PathBuf;

use domain::id::{SecretId, ServerId};
use domain::secret::Secret;
use domain::vault::{SecretBytes, Unlock, VaultKind, VaultState};
use ipc::common::{IdReq, Nothing, PickRes, UiFault};
use ipc::vault::{KitReq, RotateReq, SecretSetReq, SecretView, SettleReq, UnlockReq, VaultView, WipeRes};
use tauri::{AppHandle, State};
use tauri_plugin_dialog::DialogExt as _;

use super::activity::{from_word, misfit, word};
use crate::cabin::Cabin;

type Answer<T> = Result<T, UiFault>;

fn view(state: &VaultState) -> VaultView {
    let (state, kind, unreadable) = match state {
        VaultState::Unlocked { kind } => ("unlocked", Some(kind), 0),
        VaultState::Locked { kind } => ("locked", Some(kind), 0),
        VaultState::Absent => ("absent", None, 0),
        VaultState::KeyMissing { secrets } => ("key_missing", None, *secrets),
        VaultState::Corrupt => ("corrupt", None, 0),
    };
    VaultView { state: state.to_owned(), kind: kind.map(word), unreadable: u32::try_from(unreadable).unwrap_or(u32::MAX) }
}

/// An empty passphrase is none: the vault says that it wants one.
fn given(passphrase: Option<Secret>) -> Option<Secret> {
    passphrase.filter(|text| !text.is_empty())
}

#[tauri::command]
pub(super) async fn vault_get(cabin: State<'_, Cabin>, req: Nothing) -> Answer<VaultView> {
    let Nothing {} = req;
    Ok(view(&cabin.app().await?.secrets.look().await))
}

#[tauri::command]
pub(super) async fn vault_unlock(cabin: State<'_, Cabin>, req: UnlockReq) -> Answer<VaultView> {
    let with = given(req.passphrase).map_or(Unlock::Ask, Unlock::Passphrase);
    Ok(view(&cabin.app().await?.secrets.unlock(with, cabin.actor()).await?))
}

#[tauri::command]
pub(super) async fn vault_lock(cabin: State<'_, Cabin>, req: Nothing) -> Answer<VaultView> {
    let Nothing {} = req;
    Ok(view(&cabin.app().await?.secrets.lock(cabin.actor()).await?))
}

#[tauri::command]
pub(super) async fn vault_settle(cabin: State<'_, Cabin>, req: SettleReq) -> Answer<VaultView> {
    let kind: VaultKind = from_word("kind", &req.kind)?;
    Ok(view(&cabin.app().await?.secrets.settle(kind, given(req.passphrase), cabin.actor()).await?))
}

#[tauri::command]
pub(super) async fn vault_rotate(cabin: State<'_, Cabin>, req: RotateReq) -> Answer<VaultView> {
    let app = cabin.app().await?;
    app.secrets.rotate(req.deep, given(req.passphrase), cabin.actor()).await?;
    Ok(view(&app.secrets.state()))
}

#[tauri::command]
pub(super) async fn vault_export_kit(cabin: State<'_, Cabin>, handle: AppHandle, req: KitReq) -> Answer<PickRes> {
    let app = cabin.app().await?;
    let (tell, picked) = tokio::sync::oneshot::channel();
    handle.dialog().file().set_file_name("pilothouse-recovery-kit.age").save_file(move |path| {
        let _ = tell.send(path);
    });
    let Some(path) = path_of(picked.await) else { return Ok(PickRes { path: None }) };
    app.secrets.export_kit(&path, &req.passphrase, cabin.actor()).await?;
    Ok(PickRes { path: Some(path.display().to_string()) })
}

#[tauri::command]
pub(super) async fn vault_restore_kit(cabin: State<'_, Cabin>, handle: AppHandle, req: KitReq) -> Answer<PickRes> {
    let app = cabin.app().await?;
    let (tell, picked) = tokio::sync::oneshot::channel();
    handle.dialog().file().pick_file(move |path| {
        let _ = tell.send(path);
    });
    let Some(path) = path_of(picked.await) else { return Ok(PickRes { path: None }) };
    app.secrets.restore_kit(&path, &req.passphrase, cabin.actor()).await?;
    Ok(PickRes { path: Some(path.display().to_string()) })
}

/// What was picked; nothing when the dialog was closed.
pub(super) fn path_of<E>(picked: Result<Option<tauri_plugin_dialog::FilePath>, E>) -> Option<PathBuf> {
    picked.ok().flatten().and_then(|path| path.into_path().ok())
}

#[tauri::command]
pub(super) async fn vault_wipe(cabin: State<'_, Cabin>, req: Nothing) -> Answer<WipeRes> {
    let Nothing {} = req;
    let notes = cabin.app().await?.secrets.wipe(cabin.actor()).await?;
    Ok(WipeRes { notes: notes.into_iter().map(Into::into).collect() })
}

#[tauri::command]
pub(super) async fn secret_list(cabin: State<'_, Cabin>, req: Nothing) -> Answer<Vec<SecretView>> {
    let Nothing {} = req;
    let app = cabin.app().await?;
    let clusters: HashMap<String, String> =
        app.clusters.list().await?.into_iter().map(|cluster| (cluster.id.as_str().to_owned(), cluster.name)).collect();
    Ok(app.secrets.list().await?.into_iter().map(|seen| secret(seen, &clusters)).collect())
}

fn secret(seen: app::vault::SecretView, clusters: &HashMap<String, String>) -> SecretView {
    let facts = seen.facts;
    let cluster = clusters.get(&facts.owner.id).filter(|_| facts.owner.kind == "cluster").cloned();
    SecretView {
        id: facts.id.as_str().to_owned(),
        owner_kind: facts.owner.kind,
        owner_id: facts.owner.id,
        owner_name: cluster.unwrap_or(seen.name),
        field: facts.owner.field,
        kind: word(&facts.kind),
        present: facts.present,
        updated_at: facts.updated_at.0,
        expires_at: facts.expires_at.map(|at| at.0),
        last_used: facts.last_used.map(|at| at.0),
    }
}

#[tauri::command]
pub(super) async fn secret_set(cabin: State<'_, Cabin>, req: SecretSetReq) -> Answer<Nothing> {
    let secrets = &cabin.app().await?.secrets;
    let value = SecretBytes::from(&req.value);
    match req.owner_kind.as_str() {
        "server" => secrets.set(&ServerId::new(req.owner_id), &req.field, value, cabin.actor()).await?,
        "person" => secrets.set_named(&req.owner_id, value, cabin.actor()).await?,
        other => return Err(misfit("ownerKind", other)),
    };
    Ok(Nothing {})
}

#[tauri::command]
pub(super) async fn secret_remove(cabin: State<'_, Cabin>, req: IdReq) -> Answer<Nothing> {
    cabin.app().await?.secrets.remove(&[SecretId::new(req.id)], cabin.actor()).await?;
    Ok(Nothing {})
}
