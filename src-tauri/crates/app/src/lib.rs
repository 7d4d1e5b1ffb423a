//! What a user can do, whichever door they came in by.
//!
//! [`App`] holds one handle per area; all of them lead to the same [`Desk`], which is the only way to a tool. The app knows the
//! leaves only as the traits of `domain`.
//!
//! **Invariant:** nothing here names a leaf, and no tool runs without a `Ticket`.

mod activity;
mod app;
mod book;
pub mod clusters;
mod command_line;
mod core;
pub mod credentials;
pub mod desk;
pub mod doctor;
mod drafts;
mod event;
pub mod imports;
pub mod inside;
mod kube;
mod manifests;
mod measures;
mod policy_book;
mod prefs;
mod questions;
mod redacted;
pub mod sessions;
mod shown;
pub mod start;
pub mod templates;
mod tool_index;
pub mod vault;
mod views;
pub mod workbench;

pub use activity::Activity;
pub use app::{App, AppParts};
pub use book::ServerBook;
pub use clusters::ClusterBook;
pub use command_line::{CommandLines, command_lines};
pub use desk::{CallDone, CallOrder, Desk};
pub use drafts::{DraftOrder, DraftText, DraftVersion, DraftView, Drafts};
pub use event::{AppEvent, Tag};
pub use imports::Imports;
pub use inside::InsidePods;
pub use kube::Kubernetes;
pub use manifests::Manifests;
pub use measures::{Measures, Window};
pub use policy_book::{PolicyBook, PolicyView};
pub use prefs::Prefs;
pub use questions::Questions;
pub use sessions::{Live, Sessions};
pub use templates::Templates;
pub use tool_index::ToolIndex;
pub use vault::Secrets;
pub use views::{CallRow, FrameView, HealthView, LogView, Outlook, RunningCall, ServerView, TestReport, ToolDiff, ToolView};
pub use workbench::Workbench;
