//! The MCP core: one implementation of [`Session`] for every transport that carries MCP.
//!
//! A transport's author writes [`Dial`] and hands it to [`open`]:
//!
//! ```text
//! struct Line { /* where to connect */ }
//!
//! #[async_trait]
//! impl Dial for Line {
//!     async fn dial(&self) -> Result<Wire, ServerFault> {
//!         let (inlet, outlet) = /* connect */;
//!         Ok(Wire { inlet: Box::new(inlet), outlet: Box::new(outlet), pid: None, stderr: None })
//!     }
//! }
//!
//! async fn connect(&self, cx: ConnectCx, common: Common, settings: MySettings) -> Result<Arc<dyn Session>, ServerFault> {
//!     mcp::open(cx, Opening::within(common.start_patience(Duration::from_secs(30))), Line { /* … */ }).await
//! }
//! ```
//!
//! An [`Inlet`] gives whole messages as raw bytes ([`Piece::Text`]) and need not look into them; an [`Outlet`] writes whole messages.
//! Era negotiation, ids, limits on JSON, noise and stray counting, notifications, questions, the wire log and the end of a session are
//! the core's. rmcp never sees bytes of a peer, and what it cannot type does not get lost (see `intake`); most requests go past it
//! (see `express`).

mod abilities;
mod answers;
mod carry;
mod envelope;
pub(crate) mod express;
pub(crate) mod handshake;
pub(crate) mod headers;
pub(crate) mod intake;
pub(crate) mod listing;
pub(crate) mod oauth;
pub(crate) mod session;
mod watch;

use std::sync::Arc;

use domain::fault::ServerFault;
use domain::protocol::{ConnectCx, Session};

pub use carry::{Dial, Inlet, MESSAGE_LIMIT, Outlet, Piece, Wire};
pub use handshake::{Era, Opening};
pub(crate) use listing::{Headers, add_tools, tool_result};
pub use oauth::{GrantType, OauthSettings};

/// The method of the modern era's long-lived subscription.
pub(crate) const LISTEN: &str = "subscriptions/listen";

/// Connects over `dial`, agrees on an era, and gives the session.
///
/// The start is bounded by `opening.patience` ([`ServerFault::Timeout`] with `Phase::Handshake`). Dropping the future gives up.
pub async fn open(cx: ConnectCx, opening: Opening, dial: impl Dial + 'static) -> Result<Arc<dyn Session>, ServerFault> {
    let open = handshake::connect(&cx, opening, &handshake::Lines(dial)).await?;
    Ok(session::McpSession::start(cx, open, None))
}
