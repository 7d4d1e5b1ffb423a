//! The app behind the window. The window is drawn before the app is open; commands wait for it.

use std::sync::{Arc, OnceLock};

use app::App;
use assembly::Notice;
use domain::fault::Fault;
use domain::policy::{Actor, Door};
use ipc::common::UiFault;
use tauri::AppHandle;
use tokio::sync::{Mutex, watch};

type Opened = Option<Result<Arc<App>, Fault>>;

/// Holds the app as soon as it is open, or the reason why it is not.
pub(crate) struct Cabin {
    opened: watch::Receiver<Opened>,
    /// Where `pilot kube-credential` comes in.
    door: Arc<Mutex<Option<assembly::Door>>>,
    actor: Actor,
    notice: Arc<OnceLock<Notice>>,
}

impl Cabin {
    /// Starts opening the app, and forwards its events to the window once it is.
    pub(crate) fn opening(handle: AppHandle) -> Self {
        let (tell, opened) = watch::channel(None);
        let options = assembly::Options::for_window();
        let notice = options.notice.clone();
        let door = Arc::new(Mutex::new(None));
        let opened_door = door.clone();
        tauri::async_runtime::spawn(async move {
            let result = assembly::open(options).await;
            if let Ok(app) = &result {
                tauri::async_runtime::spawn(crate::events::forward(handle, app.events()));
                let by = Actor { door: Door::Window, name: assembly::user_name(), can_ask: true };
                // Asks nobody: with a keyring that is open, what stands in plain text moves in before it is used.
                if let Err(fault) = app.secrets.move_in(&by).await {
                    tracing::warn!(%fault, "plain secrets were not moved into the vault");
                }
                app.sessions.start_all();
                // Without it, pilot opens the vault by itself.
                match assembly::Door::open(app, None).await {
                    Ok(door) => *opened_door.lock().await = door,
                    Err(fault) => tracing::warn!(%fault, "programs cannot come to this app for credentials"),
                }
            }
            let _ = tell.send(Some(result));
        });
        Self { opened, door, actor: Actor { door: Door::Window, name: assembly::user_name(), can_ask: true }, notice }
    }

    /// The app; waits while it opens.
    pub(crate) async fn app(&self) -> Result<Arc<App>, UiFault> {
        let mut opened = self.opened.clone();
        let state = opened.wait_for(Option::is_some).await.map_err(|_| never_opened())?;
        match &*state {
            Some(Ok(app)) => Ok(app.clone()),
            Some(Err(fault)) => Err(fault.clone().into()),
            None => Err(never_opened()),
        }
    }

    /// What the person must be told, once the app is open.
    pub(crate) fn notice(&self) -> Option<&Notice> {
        self.notice.get()
    }

    /// Who acts through this window.
    pub(crate) fn actor(&self) -> &Actor {
        &self.actor
    }

    /// Ends every session and writes down what is queued.
    pub(crate) async fn close(&self) {
        let app = match &*self.opened.borrow() {
            Some(Ok(app)) => app.clone(),
            _ => return,
        };
        if let Some(door) = self.door.lock().await.take() {
            door.close().await;
        }
        app.shutdown().await;
    }
}

fn never_opened() -> UiFault {
    Fault::new(
        domain::fault::FaultKind::Internal,
        "not_opened",
        domain::text::Text::new("Pilothouse ended while it was opening", "Pilothouse 在启动过程中退出"),
        domain::text::Text::new("Start it again", "请重新启动"),
    )
    .into()
}
