//! Commands about the app itself.

use ipc::common::{Boot, Nothing, NoticeView, PageReq, PickRes, PrefReq, TextRes, UiFault};
use tauri::{AppHandle, State, WebviewWindow};
use tauri_plugin_dialog::DialogExt as _;

use crate::cabin::Cabin;

type Answer<T> = Result<T, UiFault>;

#[tauri::command]
pub(super) async fn app_boot(cabin: State<'_, Cabin>, req: Nothing) -> Answer<Boot> {
    let Nothing {} = req;
    let app = cabin.app().await?;
    let protocols = app.book.protocols().into_iter().map(Into::into).collect();
    Ok(Boot {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        platform: std::env::consts::OS.to_owned(),
        user: cabin.actor().name.clone(),
        data_dir: app.data_dir().display().to_string(),
        prefs: app.prefs.all().await?.into_iter().collect(),
        protocols,
        notice: cabin.notice().map(|notice| NoticeView { message: notice.message.clone().into(), hint: notice.hint.clone().into() }),
    })
}

/// The first picture is ready: show the window.
#[tauri::command]
pub(super) async fn app_ready(window: WebviewWindow, req: Nothing) -> Answer<Nothing> {
    let Nothing {} = req;
    let _ = window.show();
    Ok(Nothing {})
}

#[tauri::command]
pub(super) async fn prefs_set(cabin: State<'_, Cabin>, req: PrefReq) -> Answer<Nothing> {
    cabin.app().await?.prefs.set(&req.key, &req.value).await?;
    Ok(Nothing {})
}

#[tauri::command]
pub(super) async fn open_page(cabin: State<'_, Cabin>, req: PageReq) -> Answer<Nothing> {
    cabin.app().await?.open_page(&req.url).await?;
    Ok(Nothing {})
}

#[tauri::command]
pub(super) async fn pick_folder(handle: AppHandle, req: Nothing) -> Answer<PickRes> {
    let Nothing {} = req;
    let (tell, picked) = tokio::sync::oneshot::channel();
    handle.dialog().file().pick_folder(move |path| {
        let _ = tell.send(path);
    });
    let path = picked.await.ok().flatten().and_then(|path| path.into_path().ok());
    Ok(PickRes { path: path.map(|path| path.display().to_string()) })
}

/// What helps somebody else to help: versions and states. No address, no argument, no secret.
#[tauri::command]
pub(super) async fn diagnostics(cabin: State<'_, Cabin>, req: Nothing) -> Answer<TextRes> {
    use std::fmt::Write as _;
    let Nothing {} = req;
    let app = cabin.app().await?;
    let mut text = format!(
        "Pilothouse {}\nsystem: {} {}\nwebview: {}\n",
        env!("CARGO_PKG_VERSION"),
        std::env::consts::OS,
        std::env::consts::ARCH,
        tauri::webview_version().unwrap_or_else(|_| "unknown".into()),
    );
    let verified = app.activity.verify().await?;
    let _ = writeln!(text, "audit: {} rows, {}", verified.rows, if verified.ok { "whole" } else { "NOT WHOLE" });
    for server in app.book.list().await? {
        let fault = server.state.fault().map(|fault| format!(" ({})", fault.code)).unwrap_or_default();
        let revision = server.facts.map(|facts| facts.revision).unwrap_or_default();
        let _ = writeln!(text, "server: {} {} {}{fault}, {} tools", server.def.protocol, revision, server.state.word(), server.tools_count);
    }
    Ok(TextRes { text })
}
