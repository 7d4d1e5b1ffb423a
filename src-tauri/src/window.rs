//! The one window: made hidden, shown when its first picture is ready, and never navigated elsewhere.

use tauri::{AppHandle, Manager as _, WebviewUrl, WebviewWindowBuilder};

const LABEL: &str = "main";

/// Makes the window. It shows itself by `app_ready`, or after three seconds, so that a page that fails is seen too.
pub(crate) fn open(app: &AppHandle) -> tauri::Result<()> {
    let window = WebviewWindowBuilder::new(app, LABEL, WebviewUrl::default())
        // A file that is dropped goes to the page, which takes its text and never its path.
        .disable_drag_drop_handler()
        .title("Pilothouse")
        .inner_size(1280.0, 800.0)
        .min_inner_size(1024.0, 700.0)
        .visible(false)
        .on_navigation(|url| matches!(url.scheme(), "tauri") || is_own_http(url))
        .on_new_window(|_, _| tauri::webview::NewWindowResponse::Deny)
        .build()?;
    tauri::async_runtime::spawn(async move {
        tokio::time::sleep(std::time::Duration::from_secs(3)).await;
        let _ = window.show();
    });
    Ok(())
}

/// The page's own origin on platforms where it is an http one, and the development server in development.
fn is_own_http(url: &tauri::Url) -> bool {
    match (url.scheme(), url.host_str(), url.port()) {
        ("http" | "https", Some("tauri.localhost"), None) => true,
        ("http", Some("127.0.0.1"), Some(5173)) => cfg!(debug_assertions) && cfg!(not(feature = "custom-protocol")),
        _ => false,
    }
}

/// Shows the window and gives it the focus.
pub(crate) fn bring_forward(app: &AppHandle) {
    if let Some(window) = app.get_webview_window(LABEL) {
        let _ = window.show();
        let _ = window.unminimize();
        let _ = window.set_focus();
    }
}

/// Tells the person that they are wanted, when they look elsewhere; the focus stays where it is.
pub(crate) fn call_attention(app: &AppHandle) {
    if let Some(window) = app.get_webview_window(LABEL)
        && !window.is_focused().unwrap_or(true)
    {
        let _ = window.request_user_attention(Some(tauri::UserAttentionType::Informational));
    }
}

/// WebKitGTK shows a blank window with some graphics drivers when it shares GPU buffers. The switch must be in the environment before the
/// first thread starts, and changing one's own environment is not sound, so the program starts itself once more with it.
pub(crate) fn prefer_software_buffers(words: &[std::ffi::OsString]) {
    #[cfg(target_os = "linux")]
    {
        use std::os::unix::process::CommandExt as _;
        const SWITCH: &str = "WEBKIT_DISABLE_DMABUF_RENDERER";
        if std::env::var_os(SWITCH).is_none()
            && let Ok(me) = std::env::current_exe()
        {
            #[expect(clippy::disallowed_methods, reason = "replaces this very process by itself; starts nothing else")]
            let fault = std::process::Command::new(me).args(words).env(SWITCH, "1").exec();
            tracing::warn!(%fault, "could not start again with {SWITCH}; going on without");
        }
    }
    #[cfg(not(target_os = "linux"))]
    let _ = words;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_bundled_page_may_be_navigated_to() {
        for (url, own) in [
            ("http://tauri.localhost/index.html", true),
            ("http://tauri.evil.test/", false),
            ("http://ipc.localhost.evil.test/", false),
            ("https://example.com/", false),
            ("http://tauri.localhost:81/", false),
        ] {
            assert_eq!(is_own_http(&url.parse().unwrap()), own, "{url}");
        }
    }
}
