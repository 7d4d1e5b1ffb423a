//! Which era the peer lives in, and the first exchange in that era.
//!
//! rmcp's own `Auto` is not used: it takes ten seconds over a silent server, gives up on one that lists only old revisions, and
//! believes an empty answer. Here a probe has its own patience, and whatever is not clearly modern is legacy.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use domain::fault::{Phase, ServerFault};
use domain::protocol::{ConnectCx, Host};
use domain::server::PeerFacts;
use domain::{Json, JsonMap};
use rmcp::RoleClient;
use rmcp::model::{
    ClientCapabilities, ClientConfig, ClientNotification, ClientRequest, DiscoverRequest, DiscoverRequestParams, ElicitationCapability,
    FormElicitationCapability, GetExtensions, Implementation, InitializeRequest, InitializedNotification, JsonRpcMessage, NumberOrString,
    ProtocolVersion, RequestMetaObject, RootsCapabilities, SamplingCapability, ServerResult, UrlElicitationCapability,
};
use rmcp::transport::Transport;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::carry::{Dial, WireTransport};
use super::express::Express;
use super::intake::{Intake, Slot, era};

/// Which era to speak with a server.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Era {
    /// Find out, and remember.
    #[default]
    Auto,
    /// `initialize`, revisions 2024-11-05 to 2025-11-25.
    Legacy,
    /// `server/discover`, revision 2026-07-28.
    Modern,
}

/// Legacy revisions that are understood, oldest first.
pub(crate) const LEGACY_REVISIONS: [&str; 4] = ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"];
/// The modern revision.
pub(crate) const MODERN_REVISION: &str = "2026-07-28";
/// Ids of the first exchange; rmcp counts its own from 0.
const DISCOVER_ID: i64 = 2_000_000_000;
const INITIALIZE_ID: i64 = 2_000_000_001;

/// How to open a session.
#[derive(Debug, Clone, Copy)]
pub struct Opening {
    /// Which era to speak.
    pub era: Era,
    /// How long connecting may take in all.
    pub patience: Duration,
    /// How long a peer may be silent after being asked for its era before the old question is put as well.
    pub probe: Duration,
}

impl Opening {
    /// The usual patience for this start: `common.start_timeout`, or `default`.
    pub fn within(patience: Duration) -> Self {
        Self { era: Era::Auto, patience, probe: Duration::from_secs(2) }
    }
}

/// What is known of the far end beyond its messages.
#[derive(Clone, Default)]
pub(crate) struct Extras {
    pub(crate) pid: Option<u32>,
    pub(crate) stderr: Option<Arc<dyn Fn() -> String + Send + Sync>>,
    /// The way past rmcp for requests.
    pub(crate) express: Option<Arc<dyn Express>>,
}

/// Makes transports for rmcp.
#[async_trait]
pub(crate) trait Open: Send + Sync {
    /// What it makes.
    type Transport: Transport<RoleClient> + 'static;
    /// Whether a peer that answered the era question can be asked the old question on the same connection.
    const SAME_CONNECTION: bool;
    /// Makes one whose incoming messages pass through `intake`.
    async fn open(&self, intake: &Arc<Intake>) -> Result<(Self::Transport, Extras), ServerFault>;
    /// The transport's error in our words.
    fn fault(error: <Self::Transport as Transport<RoleClient>>::Error) -> ServerFault;
}

/// [`Open`] for line-like transports.
pub(crate) struct Lines<D>(pub(crate) D);

#[async_trait]
impl<D: Dial> Open for Lines<D> {
    type Transport = WireTransport;
    const SAME_CONNECTION: bool = true;

    async fn open(&self, intake: &Arc<Intake>) -> Result<(WireTransport, Extras), ServerFault> {
        let wire = self.0.dial().await?;
        let (pid, stderr) = (wire.pid, wire.stderr.clone());
        let transport = WireTransport::new(wire, intake.clone());
        let express = Some(transport.express());
        Ok((transport, Extras { pid, stderr, express }))
    }

    fn fault(error: ServerFault) -> ServerFault {
        error
    }
}

/// What was agreed on.
#[derive(Debug, Clone)]
pub(crate) struct Agreed {
    pub(crate) version: ProtocolVersion,
    pub(crate) capabilities: JsonMap,
    pub(crate) facts: PeerFacts,
}

/// A connection on which the first exchange went well.
pub(crate) struct Open1<T> {
    pub(crate) transport: T,
    pub(crate) intake: Arc<Intake>,
    pub(crate) extras: Extras,
    pub(crate) agreed: Agreed,
}

/// Who we are and what a person here can do for a server.
pub(crate) fn client_config() -> ClientConfig {
    let mut capabilities = ClientCapabilities::default();
    capabilities.roots = Some(RootsCapabilities::default());
    capabilities.sampling = Some(SamplingCapability::default());
    capabilities.elicitation =
        Some(ElicitationCapability::new().with_form(FormElicitationCapability::new()).with_url(UrlElicitationCapability::new()));
    let mut me = Implementation::new("pilothouse", env!("CARGO_PKG_VERSION"));
    me.title = Some("Pilothouse".into());
    let mut config = ClientConfig::new(capabilities, me);
    config.protocol_version = ProtocolVersion::LATEST_WITH_INITIALIZE;
    config
}

/// One connection during the first exchange.
struct Talk<O: Open> {
    transport: O::Transport,
    intake: Arc<Intake>,
    extras: Extras,
    slots: Vec<(i64, Arc<Slot>)>,
}

type Reply = (i64, Result<Json, ServerFault>);

impl<O: Open> Talk<O> {
    async fn dial(cx: &ConnectCx, opener: &O) -> Result<Self, ServerFault> {
        let intake = Intake::new(cx.host.clone(), cx.tasks.clone(), &cx.stop);
        let (transport, extras) = opener.open(&intake).await?;
        Ok(Self { transport, intake, extras, slots: Vec::new() })
    }

    async fn send(&mut self, id: i64, method: &'static str, mut request: ClientRequest) -> Result<(), ServerFault> {
        let slot = Slot::new(method, None);
        request.extensions_mut().insert(slot.clone());
        self.slots.push((id, slot));
        let sending = self.transport.send(JsonRpcMessage::request(request, NumberOrString::Number(id)));
        sending.await.map_err(|error| self.slots.last().and_then(|(_, slot)| slot.fault()).unwrap_or_else(|| O::fault(error)))
    }

    async fn discover(&mut self) -> Result<(), ServerFault> {
        let config = client_config();
        let mut request = DiscoverRequest::new(DiscoverRequestParams::default());
        let mut meta = RequestMetaObject::new();
        meta.set_protocol_version(ProtocolVersion::V_2026_07_28);
        meta.set_client_info(config.client_info);
        meta.set_client_capabilities(config.capabilities);
        request.extensions.insert(meta);
        self.send(DISCOVER_ID, "server/discover", ClientRequest::DiscoverRequest(request)).await
    }

    async fn initialize(&mut self) -> Result<(), ServerFault> {
        self.intake.agree(era::LEGACY, false);
        let request = InitializeRequest::new(client_config());
        self.send(INITIALIZE_ID, "initialize", ClientRequest::InitializeRequest(request)).await
    }

    /// The next reply to one of ours. A ping in between is answered; everything else has to wait or was dealt with in the intake.
    async fn reply(&mut self) -> Result<Reply, ServerFault> {
        loop {
            let Some(message) = self.transport.receive().await else {
                return Err(self.intake.cause().unwrap_or_else(|| self.intake.lost(false)));
            };
            match message {
                JsonRpcMessage::Response(response) => {
                    let NumberOrString::Number(id) = response.id else { continue };
                    return Ok((id, value(response.result)));
                }
                JsonRpcMessage::Error(error) => {
                    let Some(NumberOrString::Number(id)) = error.id else { continue };
                    let known = self.slots.iter().find(|(known, _)| *known == id).and_then(|(_, slot)| slot.fault());
                    let fault = known.unwrap_or_else(|| ServerFault::Rpc {
                        code: error.error.code.0.into(),
                        message: error.error.message.into_owned(),
                        data: error.error.data.unwrap_or_default(),
                    });
                    return Ok((id, Err(fault)));
                }
                JsonRpcMessage::Request(request) => {
                    let ping = serde_json::to_value(&request.request).is_ok_and(|request| request["method"] == "ping");
                    if ping {
                        let pong = rmcp::model::ClientResult::CustomResult(rmcp::model::CustomResult(Json::Object(JsonMap::new())));
                        self.transport.send(JsonRpcMessage::response(pong, request.id)).await.map_err(O::fault)?;
                    }
                }
                JsonRpcMessage::Notification(_) => {}
            }
        }
    }

    async fn hang_up(mut self) {
        let _ = tokio::time::timeout(Duration::from_secs(10), self.transport.close()).await;
    }

    fn modern(self, reply: Json) -> Open1<O::Transport> {
        self.intake.agree(era::MODERN, false);
        let agreed = agreed_modern(reply);
        Open1 { transport: self.transport, intake: self.intake, extras: self.extras, agreed }
    }

    /// Takes the server's `initialize` result and says that we are ready.
    async fn legacy(mut self, reply: Json) -> Result<Open1<O::Transport>, ServerFault> {
        let agreed = match agreed_legacy(reply) {
            Ok(agreed) => agreed,
            Err(fault) => {
                self.hang_up().await;
                return Err(fault);
            }
        };
        self.intake.agree(era::LEGACY, agreed.facts.revision == "2025-03-26");
        let ready = ClientNotification::InitializedNotification(InitializedNotification::default());
        if let Err(error) = self.transport.send(JsonRpcMessage::notification(ready)).await {
            let fault = self.intake.cause().unwrap_or_else(|| O::fault(error));
            self.hang_up().await;
            return Err(fault);
        }
        Ok(Open1 { transport: self.transport, intake: self.intake, extras: self.extras, agreed })
    }
}

fn value(result: ServerResult) -> Result<Json, ServerFault> {
    match result {
        ServerResult::CustomResult(result) => Ok(result.0),
        typed => serde_json::to_value(typed).map_err(|fault| ServerFault::Internal { what: fault.to_string() }),
    }
}

/// Whether a fault says "I do not understand the question" rather than "I am not here" or "you may not".
fn may_be_legacy(fault: &ServerFault) -> bool {
    matches!(
        fault,
        ServerFault::Rpc { .. }
            | ServerFault::HttpStatus { .. }
            | ServerFault::ProtocolViolation { .. }
            | ServerFault::InvalidJson { .. }
            | ServerFault::InvalidUtf8 { .. }
            | ServerFault::ConnectionLost { .. }
            | ServerFault::ServerExited { .. }
            | ServerFault::Timeout { phase: Phase::Handshake | Phase::Idle | Phase::Total, .. }
    )
}

/// Whether a server refuses the revision and names the modern one as good: it is then to be asked once more in that one, not taken for
/// an old server.
fn wants_modern_again(fault: &ServerFault) -> bool {
    let ServerFault::Rpc { code: -32022, data, .. } = fault else { return false };
    data["supported"].as_array().is_some_and(|versions| versions.iter().any(|version| version == MODERN_REVISION))
}

/// Whether a discover result offers the modern revision (traps 2 to 4: an empty answer or a list of old revisions does not).
fn offers_modern(reply: &Json) -> bool {
    reply
        .get("supportedVersions")
        .and_then(Json::as_array)
        .is_some_and(|versions| versions.iter().any(|version| version == MODERN_REVISION))
}

/// Connects in the era that the settings name, that was found last time, or that is found now.
pub(crate) async fn connect<O: Open>(cx: &ConnectCx, opening: Opening, opener: &O) -> Result<Open1<O::Transport>, ServerFault> {
    let deadline = Instant::now() + opening.patience;
    let too_late = || ServerFault::Timeout { phase: Phase::Handshake, after: opening.patience };
    let remembered = match opening.era {
        Era::Auto => cx.host.recall("era").await.and_then(|era| era.as_str().map(str::to_owned)),
        _ => None,
    };
    let attempt = async {
        let open = match (opening.era, remembered.as_deref()) {
            (Era::Modern, _) => modern_only(cx, opener).await,
            (Era::Legacy, _) => legacy_only(cx, opener).await,
            (Era::Auto, Some("modern")) => match modern_only(cx, opener).await {
                Err(fault) if may_be_legacy(&fault) => legacy_only(cx, opener).await.map_err(|_| fault),
                done => done,
            },
            (Era::Auto, Some("legacy")) => match legacy_only(cx, opener).await {
                Err(
                    fault
                    @ (ServerFault::Rpc { .. } | ServerFault::UnsupportedVersion { .. } | ServerFault::HttpStatus { status: 400, .. }),
                ) => modern_only(cx, opener).await.map_err(|_| fault),
                done => done,
            },
            (Era::Auto, _) => find_out(cx, opening, opener, deadline).await,
        }?;
        if opening.era == Era::Auto && remembered.as_deref() != Some(&open.agreed.facts.era) {
            cx.host.keep("era", Json::from(open.agreed.facts.era.as_str())).await;
        }
        Ok(open)
    };
    cx.thinking.patiently(opening.patience, attempt).await.ok_or_else(too_late)?
}

async fn modern_only<O: Open>(cx: &ConnectCx, opener: &O) -> Result<Open1<O::Transport>, ServerFault> {
    let mut talk = Talk::dial(cx, opener).await?;
    let reply = async {
        talk.discover().await?;
        talk.reply().await?.1
    }
    .await;
    match reply {
        Ok(reply) if offers_modern(&reply) => Ok(talk.modern(reply)),
        Ok(reply) => {
            talk.hang_up().await;
            Err(ServerFault::UnsupportedVersion { offered: versions(&reply), ours: MODERN_REVISION.into() })
        }
        Err(fault) => {
            talk.hang_up().await;
            Err(fault)
        }
    }
}

async fn legacy_only<O: Open>(cx: &ConnectCx, opener: &O) -> Result<Open1<O::Transport>, ServerFault> {
    let mut talk = Talk::dial(cx, opener).await?;
    let reply = async {
        talk.initialize().await?;
        talk.reply().await?.1
    }
    .await;
    match reply {
        Ok(reply) => talk.legacy(reply).await,
        Err(fault) => {
            talk.hang_up().await;
            Err(fault)
        }
    }
}

/// Asks for the era first. On one connection the old question may follow the new one; over HTTP each has its own.
async fn find_out<O: Open>(cx: &ConnectCx, opening: Opening, opener: &O, deadline: Instant) -> Result<Open1<O::Transport>, ServerFault> {
    let mut talk = Talk::dial(cx, opener).await?;
    let probe = async {
        talk.discover().await?;
        talk.reply().await?.1
    };
    let silent = match cx.thinking.patiently(opening.probe, probe).await {
        Some(Ok(reply)) if offers_modern(&reply) => return Ok(talk.modern(reply)),
        Some(Err(fault)) if wants_modern_again(&fault) => {
            talk.hang_up().await;
            return modern_only(cx, opener).await;
        }
        Some(Err(fault)) if !may_be_legacy(&fault) => {
            talk.hang_up().await;
            return Err(fault);
        }
        Some(_) => false,
        None => true,
    };
    if !O::SAME_CONNECTION || talk.intake.over.is_cancelled() {
        talk.hang_up().await;
        return legacy_only(cx, opener).await;
    }
    // A program that is still starting answers both questions later; one that is confused by the first gets a fresh start.
    let half = deadline.saturating_duration_since(Instant::now()) / 2;
    match tokio::time::timeout(half, old_question(&mut talk, silent)).await {
        Ok(Ok(Found::Legacy(reply))) => talk.legacy(reply).await,
        Ok(Ok(Found::Modern)) => {
            // It is modern but has also seen `initialize`: begin anew, so that one connection knows one era.
            talk.hang_up().await;
            modern_only(cx, opener).await
        }
        Ok(Err(fault)) if !may_be_legacy(&fault) => {
            talk.hang_up().await;
            Err(fault)
        }
        Ok(Err(fault)) if matches!(fault, ServerFault::Rpc { .. } | ServerFault::UnsupportedVersion { .. }) => {
            talk.hang_up().await;
            Err(fault)
        }
        Ok(Err(_)) | Err(_) => {
            talk.hang_up().await;
            legacy_only(cx, opener).await
        }
    }
}

enum Found {
    Legacy(Json),
    Modern,
}

async fn old_question<O: Open>(talk: &mut Talk<O>, mut waiting_for_new: bool) -> Result<Found, ServerFault> {
    talk.initialize().await?;
    loop {
        match talk.reply().await? {
            (INITIALIZE_ID, reply) => return reply.map(Found::Legacy),
            (DISCOVER_ID, Ok(reply)) if waiting_for_new && offers_modern(&reply) => return Ok(Found::Modern),
            (DISCOVER_ID, _) => waiting_for_new = false,
            _ => {}
        }
    }
}

fn versions(reply: &Json) -> String {
    let list = reply.get("supportedVersions").and_then(Json::as_array).map(Vec::as_slice).unwrap_or_default();
    let list: Vec<_> = list.iter().take(10).filter_map(Json::as_str).map(|version| version.chars().take(40).collect::<String>()).collect();
    if list.is_empty() { "no revision".into() } else { list.join(", ") }
}

fn agreed_legacy(mut reply: Json) -> Result<Agreed, ServerFault> {
    let ours = || LEGACY_REVISIONS.join(", ");
    let Some(version) = reply.get("protocolVersion").and_then(Json::as_str) else {
        return Err(ServerFault::ProtocolViolation { rule: "the result of initialize has no protocolVersion".into() });
    };
    if !LEGACY_REVISIONS.contains(&version) {
        return Err(ServerFault::UnsupportedVersion { offered: version.chars().take(40).collect(), ours: ours() });
    }
    let revision = version.to_owned();
    let info = reply.get("serverInfo").cloned().unwrap_or_default();
    let capabilities = capabilities(reply.get_mut("capabilities").map(Json::take).unwrap_or_default());
    let facts = facts(&info, &reply, revision.clone(), "legacy", &capabilities);
    let version = serde_json::from_value(Json::from(revision)).unwrap_or(ProtocolVersion::LATEST_WITH_INITIALIZE);
    Ok(Agreed { version, capabilities, facts })
}

fn agreed_modern(mut reply: Json) -> Agreed {
    let info = reply.pointer("/_meta/io.modelcontextprotocol~1serverInfo").or_else(|| reply.get("serverInfo")).cloned().unwrap_or_default();
    let capabilities = capabilities(reply.get_mut("capabilities").map(Json::take).unwrap_or_default());
    let facts = facts(&info, &reply, MODERN_REVISION.to_owned(), "modern", &capabilities);
    Agreed { version: ProtocolVersion::V_2026_07_28, capabilities, facts }
}

/// Trap 11: `true` for `{}`, `false` and `null` for nothing, anything else for nothing.
fn capabilities(said: Json) -> JsonMap {
    let Json::Object(said) = said else { return JsonMap::new() };
    said.into_iter()
        .filter_map(|(name, value)| match value {
            Json::Object(_) => Some((name, value)),
            Json::Bool(true) => Some((name, Json::Object(JsonMap::new()))),
            _ => None,
        })
        .collect()
}

fn facts(info: &Json, reply: &Json, revision: String, era: &str, capabilities: &JsonMap) -> PeerFacts {
    let text = |value: &Json, key: &str, most: usize| {
        value.get(key).and_then(Json::as_str).map(|text| text.chars().take(most).collect::<String>())
    };
    let flag = |ability: &str, name: &str| capabilities.get(ability).and_then(|ability| ability.get(name)) == Some(&Json::Bool(true));
    let mut abilities: Vec<String> = ["tools", "resources", "prompts", "completions", "logging"]
        .into_iter()
        .filter(|name| capabilities.contains_key(*name))
        .map(str::to_owned)
        .collect();
    if flag("resources", "subscribe") {
        abilities.push("subscriptions".into());
    }
    PeerFacts {
        name: text(info, "name", 200).unwrap_or_default(),
        version: text(info, "version", 100).unwrap_or_default(),
        revision,
        era: era.to_owned(),
        abilities,
        instructions: text(reply, "instructions", 64 * 1024),
        pid: None,
    }
}

/// Whether the app keeps frames; used where only a host is at hand.
pub(crate) fn note(host: &dyn Host, text: impl Into<String>) {
    if host.wants_frames() {
        host.frame(domain::protocol::Frame { sent: false, kind: "note", text: text.into() });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn odd_capabilities_and_a_nameless_server_are_put_right() {
        // Trap 11.
        let agreed = agreed_legacy(json!({ "protocolVersion": "2024-11-05", "capabilities": { "tools": true, "prompts": false, "logging": null, "resources": { "subscribe": true } } })).unwrap();
        assert_eq!(agreed.facts.abilities, ["tools", "resources", "subscriptions"]);
        assert_eq!(agreed.facts.name, "");
        assert_eq!(agreed.facts.revision, "2024-11-05");
    }

    #[test]
    fn only_a_list_with_the_modern_revision_is_modern() {
        // Traps 2, 3 and 4.
        for (reply, modern) in [
            (json!({}), false),
            (json!({ "supportedVersions": ["2025-06-18", "2025-11-25"] }), false),
            (json!({ "supportedVersions": "2026-07-28" }), false),
            (json!({ "supportedVersions": ["2025-11-25", "2026-07-28"] }), true),
        ] {
            assert_eq!(offers_modern(&reply), modern, "{reply}");
        }
    }

    #[test]
    fn a_revision_nobody_knows_is_refused_by_name() {
        // C-54.
        for version in ["1999-01-01", "2026-07-28", ""] {
            let fault = agreed_legacy(json!({ "protocolVersion": version, "capabilities": {} })).unwrap_err();
            assert!(matches!(fault, ServerFault::UnsupportedVersion { ref offered, .. } if offered == version), "{fault:?}");
        }
    }

    #[test]
    fn initialize_never_names_the_modern_revision() {
        // Trap 6.
        assert_eq!(serde_json::to_value(client_config()).unwrap()["protocolVersion"], "2025-11-25");
    }
}
