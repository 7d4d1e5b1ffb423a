//! The one way to make an HTTP client: proxy, roots, timeouts, redirects, limits; and an event-stream decoder.
//!
//! **Invariant:** no credential leaves in an error, a log line or a `Debug` text, and none follows a redirect to another origin.

mod address;
mod auth;
mod body;
mod client;
mod dial;
mod events;
mod fault;
mod loopback;
mod proxy;
mod response;
mod settings;
mod tls;

pub use address::{AddressRule, SafeUrl, below, http_url, is_loopback, is_public, openable, placed, same_origin, ws_url};
pub use auth::auth_headers;
pub use body::{BodyStream, MESSAGE_LIMIT};
pub use client::{Client, HEADER_LIMIT, Request, USER_AGENT, client};
pub use dial::{Dialer, Head, Io, read_head};
pub use events::{EventStream, SseDecoder, SseEvent};
pub use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
pub use loopback::Loopback;
pub use proxy::{Proxies, ProxyChoice};
pub use response::{ERROR_BODY_LIMIT, Response, parse_json, shown, status_fault};
pub use settings::ClientSettings;
pub use tls::tls_config;
pub use url::Url;
