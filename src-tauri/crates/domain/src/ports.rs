//! What the app needs kept, as traits. `store` implements them on SQLite, `testkit` in memory.

use async_trait::async_trait;

use crate::audit::{Durability, Entry, Filter, Row, Verified};
use crate::fault::Fault;
use crate::id::{Millis, ServerId};
use crate::metrics::{Figures, MetricsQuery, Sample};
use crate::policy::Policy;
use crate::server::{PeerFacts, ServerDef, Trust};
use crate::tool::Catalogue;
use crate::{Json, JsonMap};

/// The audit chain.
#[async_trait]
pub trait AuditLog: Send + Sync + std::fmt::Debug {
    /// Appends a row. With [`Durability::Queued`] it returns at once, and fails at once when the writer cannot write any more.
    async fn append(&self, entry: Entry, durability: Durability) -> Result<(), Fault>;
    /// Lists rows, newest first.
    async fn list(&self, filter: Filter) -> Result<Vec<Row>, Fault>;
    /// Reads the whole chain and says whether it holds.
    async fn verify(&self) -> Result<Verified, Fault>;
    /// Waits until everything queued so far is written.
    async fn flush(&self) -> Result<(), Fault>;
    /// Keyed hash of canonical arguments, so that equal arguments can be recognised but not guessed from the log.
    fn args_hash(&self, canonical_args: &str) -> String;
}

/// Saved servers.
#[async_trait]
pub trait Servers: Send + Sync + std::fmt::Debug {
    /// All, by name.
    async fn list(&self) -> Result<Vec<ServerDef>, Fault>;
    /// Adds or replaces by id. A name that another id has is refused (`name_taken`).
    async fn put(&self, server: &ServerDef) -> Result<(), Fault>;
    /// Removes it and everything kept about it, except its audit rows.
    async fn remove(&self, id: &ServerId) -> Result<(), Fault>;
    /// What a person accepted about it.
    async fn trust(&self, id: &ServerId) -> Result<Trust, Fault>;
    /// Keeps what a person accepted.
    async fn set_trust(&self, id: &ServerId, trust: &Trust) -> Result<(), Fault>;
    /// Replaces a server and what was accepted about it at once, so that nobody sees the one without the other.
    async fn put_trusted(&self, server: &ServerDef, trust: &Trust) -> Result<(), Fault> {
        self.put(server).await?;
        self.set_trust(&server.id, trust).await
    }
    /// Reads something kept for a server: found era, OAuth registration.
    async fn recall(&self, id: &ServerId, key: &str) -> Result<Option<Json>, Fault>;
    /// Keeps something for a server.
    async fn keep(&self, id: &ServerId, key: &str, value: &Json) -> Result<(), Fault>;
}

/// A catalogue as it was last seen.
#[derive(Debug, Clone, PartialEq)]
pub struct CachedCatalogue {
    /// The tools.
    pub catalogue: Catalogue,
    /// What the peer said of itself.
    pub facts: PeerFacts,
    /// When it was read from the server.
    pub seen_at: Millis,
}

/// Catalogues, so that tools can be searched before servers answer.
#[async_trait]
pub trait Catalogues: Send + Sync + std::fmt::Debug {
    /// All that are kept.
    async fn load(&self) -> Result<Vec<(ServerId, CachedCatalogue)>, Fault>;
    /// Keeps one.
    async fn save(&self, id: &ServerId, cached: &CachedCatalogue) -> Result<(), Fault>;
}

/// Finished calls as figures.
#[async_trait]
pub trait MetricsLog: Send + Sync + std::fmt::Debug {
    /// Takes a sample; written in batches, lost at most with the last second.
    fn record(&self, sample: Sample);
    /// Figures since a moment, for servers and, if asked, their tools.
    async fn figures(&self, query: MetricsQuery, now: Millis) -> Result<Vec<Figures>, Fault>;
    /// The last latencies of a server (ms, oldest first), for its sparkline.
    async fn recent(&self, server: &ServerId, most: u32) -> Result<Vec<f64>, Fault>;
}

/// A call as a person can look at it again and replay it. Values are redacted by value before they come here.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PastCall {
    /// The audit reference.
    pub audit_id: String,
    /// When it ended.
    pub at: Millis,
    /// Which server.
    pub server: ServerId,
    /// Which tool.
    pub tool: String,
    /// With what.
    pub args: JsonMap,
    /// What came back (cut to 256 KiB), or the fault.
    pub result: Json,
    /// Whether it went well.
    pub ok: bool,
    /// How long it took (ms).
    pub elapsed_ms: f64,
}

/// Past calls, newest 500 a server.
#[async_trait]
pub trait History: Send + Sync + std::fmt::Debug {
    /// Keeps one; written in batches.
    fn remember(&self, call: PastCall);
    /// Newest first.
    async fn past(&self, server: Option<&ServerId>, tool: Option<&str>, most: u32) -> Result<Vec<PastCall>, Fault>;
}

/// Small things: the policy, preferences, the person's own templates.
#[async_trait]
pub trait Settings: Send + Sync + std::fmt::Debug {
    /// The policy.
    async fn policy(&self) -> Result<Policy, Fault>;
    /// Keeps the policy.
    async fn set_policy(&self, policy: &Policy) -> Result<(), Fault>;
    /// A preference or other small document.
    async fn get(&self, key: &str) -> Result<Option<Json>, Fault>;
    /// Keeps it; `null` removes it.
    async fn set(&self, key: &str, value: &Json) -> Result<(), Fault>;
    /// All keys with a prefix, such as `template:`.
    async fn with_prefix(&self, prefix: &str) -> Result<Vec<(String, Json)>, Fault>;
}

/// All that is kept, as one thing that has an end.
#[async_trait]
pub trait Kept: Send + Sync + std::fmt::Debug {
    /// Writes everything that waits, of whatever port, and lets the files go. Afterwards every write is refused.
    async fn close(&self) -> Result<(), Fault>;
}

/// The person's browser.
#[async_trait]
pub trait Opener: Send + Sync + std::fmt::Debug {
    /// Opens an https (or loopback http) page, passed as one argument and never through a shell. Everything else is refused.
    async fn open(&self, url: &url::Url) -> Result<(), Fault>;
}
