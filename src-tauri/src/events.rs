//! Carries the app's events to the window.

use app::{AppEvent, Tag as AppTag};
use ipc::common::{Tag, UiEvent};
use tauri::{AppHandle, Emitter as _};
use tokio::sync::broadcast::{Receiver, error::RecvError};

/// Forwards until the app ends. A window that fell behind is told that everything may have changed.
pub(crate) async fn forward(handle: AppHandle, mut events: Receiver<AppEvent>) {
    loop {
        let event = match events.recv().await {
            Ok(event) => shape(event),
            Err(RecvError::Lagged(_)) => Some(UiEvent::Changed {
                tags: vec![
                    Tag::Servers,
                    Tag::Tools,
                    Tag::Activity,
                    Tag::Questions,
                    Tag::Settings,
                    Tag::Metrics,
                    Tag::Templates,
                    Tag::Vault,
                    Tag::Clusters,
                    Tag::Changes,
                    Tag::Drafts,
                    Tag::Forwards,
                ],
            }),
            Err(RecvError::Closed) => return,
        };
        if matches!(event, Some(UiEvent::Question { .. })) {
            crate::window::call_attention(&handle);
        }
        if let Some(event) = event {
            let _ = handle.emit("pilothouse", event);
        }
    }
}

fn shape(event: AppEvent) -> Option<UiEvent> {
    Some(match event {
        AppEvent::Changed(tag) => UiEvent::Changed { tags: tags(tag) },
        AppEvent::ServerState { server, state, .. } => {
            UiEvent::ServerState { id: server.as_str().to_owned(), state: state.word().to_owned() }
        }
        AppEvent::Question(question) => UiEvent::Question { question: Box::new(crate::commands::activity::question_view(*question)) },
        AppEvent::QuestionGone(id) => UiEvent::QuestionGone { id: id.as_str().to_owned() },
        _ => return None,
    })
}

fn tags(tag: AppTag) -> Vec<Tag> {
    match tag {
        AppTag::Servers => vec![Tag::Servers],
        AppTag::Tools => vec![Tag::Tools],
        AppTag::Activity => vec![Tag::Activity],
        AppTag::Approvals => vec![Tag::Questions],
        AppTag::Settings => vec![Tag::Settings, Tag::Templates, Tag::Vault, Tag::Clusters],
        AppTag::Metrics => vec![Tag::Metrics],
        AppTag::Clusters => vec![Tag::Clusters],
        AppTag::Changes => vec![Tag::Changes],
        AppTag::Forwards => vec![Tag::Forwards],
    }
}
