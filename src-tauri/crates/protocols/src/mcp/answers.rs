//! What a server may ask of us, and what it gets: roots at once, everything else only through a person.
//!
//! **Invariant:** nothing is accepted on a person's behalf. Without a person a question is cancelled or declined.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use domain::id::{Millis, QuestionId};
use domain::person::{Answer, Matter, Question};
use domain::protocol::{ConnectCx, SessionEvent};
use domain::{Json, JsonMap};
use rmcp::model::{ClientConfig, ClientResult, CustomResult, ErrorCode, ErrorData, ServerNotification, ServerRequest};
use rmcp::service::{NotificationContext, RequestContext, Service};
use rmcp::{ErrorData as McpError, RoleClient};
use serde_json::json;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::handshake::client_config;

/// Questions a minute (C-52); further ones wait, and of those that wait only a few.
const QUESTIONS_A_MINUTE: usize = 3;
const QUESTIONS_WAITING: usize = 8;
/// How long a person has.
const PATIENCE: Duration = Duration::from_mins(5);
/// A form has at most so many fields.
const FIELDS: usize = 100;

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Refusal {
    pub(crate) code: i32,
    pub(crate) words: String,
}

impl Refusal {
    fn new(code: i32, words: impl Into<String>) -> Self {
        Self { code, words: words.into() }
    }
}

/// Answers a server's questions.
#[derive(Debug)]
pub(crate) struct Answers {
    cx: ConnectCx,
    asked: Mutex<VecDeque<Instant>>,
    waiting: AtomicUsize,
}

impl Answers {
    pub(crate) fn new(cx: ConnectCx) -> Arc<Self> {
        Arc::new(Self { cx, asked: Mutex::default(), waiting: AtomicUsize::new(0) })
    }

    /// Answers one question. Gives up when `gone` fires.
    pub(crate) async fn answer(&self, method: &str, params: Json, gone: &CancellationToken) -> Result<Json, Refusal> {
        match method {
            "ping" => Ok(json!({})),
            "roots/list" => {
                let roots: Vec<_> = self.cx.host.roots().into_iter().map(|(uri, name)| json!({ "uri": uri, "name": name })).collect();
                Ok(json!({ "roots": roots }))
            }
            "sampling/createMessage" => self.sample(params, gone).await,
            "elicitation/create" => self.elicit(params, gone).await,
            _ => Err(Refusal::new(
                ErrorCode::METHOD_NOT_FOUND.0,
                format!("Pilothouse does not answer {}", method.chars().take(100).collect::<String>()),
            )),
        }
    }

    async fn sample(&self, params: Json, gone: &CancellationToken) -> Result<Json, Refusal> {
        if !self.turn(gone).await {
            return Err(Refusal::new(-1, "too many questions"));
        }
        match self.ask(Matter::Sample { request: params }, gone).await {
            Answer::Data { data: Json::String(text) } => Ok(sampled(&json!({ "type": "text", "text": text }))),
            Answer::Data { data: Json::Object(mut message) } => {
                if !message.contains_key("content") {
                    return Err(Refusal::new(-1, "the answer has no content"));
                }
                for (key, value) in [("role", "assistant"), ("model", "person"), ("stopReason", "endTurn")] {
                    message.entry(key).or_insert_with(|| value.into());
                }
                Ok(Json::Object(message))
            }
            Answer::No { reason } => Err(Refusal::new(-1, if reason.is_empty() { "the user declined".to_owned() } else { reason })),
            _ => Err(Refusal::new(-1, "nobody answered")),
        }
    }

    async fn elicit(&self, params: Json, gone: &CancellationToken) -> Result<Json, Refusal> {
        let message: String = params.get("message").and_then(Json::as_str).unwrap_or_default().chars().take(8000).collect();
        let cancel = || Ok(json!({ "action": "cancel" }));
        match params.get("mode").and_then(Json::as_str).unwrap_or("form") {
            "form" => {
                let schema = params.get("requestedSchema").cloned().unwrap_or_else(|| json!({ "type": "object", "properties": {} }));
                if let Some(why) = unfit(&schema) {
                    self.cx.host.event(SessionEvent::Warning(format!("a form of the server was declined: {why}")));
                    return Ok(json!({ "action": "decline" }));
                }
                if !self.turn(gone).await {
                    return cancel();
                }
                match self.ask(Matter::Form { message, schema: schema.clone() }, gone).await {
                    Answer::Data { data: Json::Object(content) } => {
                        Ok(json!({ "action": "accept", "content": with_defaults(content, &schema) }))
                    }
                    Answer::Yes { .. } => Ok(json!({ "action": "accept", "content": with_defaults(JsonMap::new(), &schema) })),
                    Answer::No { .. } => Ok(json!({ "action": "decline" })),
                    Answer::Data { .. } | Answer::Nobody => cancel(),
                }
            }
            "url" => {
                let Some(url) = params.get("url").and_then(Json::as_str).and_then(|url| url::Url::parse(url).ok()).filter(may_open) else {
                    self.cx.host.event(SessionEvent::Warning("the server asked to open an address that is not opened".into()));
                    return Ok(json!({ "action": "decline" }));
                };
                if !self.turn(gone).await {
                    return cancel();
                }
                match self.ask(Matter::Visit { message, url: url.to_string() }, gone).await {
                    Answer::Yes { .. } | Answer::Data { .. } => match self.cx.host.open_page(&url).await {
                        Ok(()) => Ok(json!({ "action": "accept" })),
                        Err(fault) => {
                            self.cx.host.event(SessionEvent::Warning(fault.to_string()));
                            cancel()
                        }
                    },
                    Answer::No { .. } => Ok(json!({ "action": "decline" })),
                    Answer::Nobody => cancel(),
                }
            }
            _ => Err(Refusal::new(ErrorCode::INVALID_PARAMS.0, "an elicitation of an unknown mode")),
        }
    }

    async fn ask(&self, matter: Matter, gone: &CancellationToken) -> Answer {
        let now = self.cx.clock.now();
        let question = Question {
            id: QuestionId::new(uuid::Uuid::new_v4().to_string()),
            server: self.cx.server.clone(),
            server_name: self.cx.name.clone(),
            matter,
            asked_at: now,
            expires_at: Millis(now.0.saturating_add(i64::try_from(PATIENCE.as_millis()).unwrap_or(i64::MAX))),
        };
        tokio::select! {
            biased;
            () = gone.cancelled() => Answer::Nobody,
            answer = self.cx.host.ask(question) => answer,
        }
    }

    /// Waits for a turn to ask a person; false when too many are in the line already or the asker is gone.
    async fn turn(&self, gone: &CancellationToken) -> bool {
        if self.waiting.fetch_add(1, Ordering::AcqRel) >= QUESTIONS_WAITING {
            self.waiting.fetch_sub(1, Ordering::AcqRel);
            return false;
        }
        let turn = loop {
            let wait = {
                let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
                let now = Instant::now();
                while asked.front().is_some_and(|at| now.duration_since(*at) >= Duration::from_mins(1)) {
                    asked.pop_front();
                }
                match asked.front() {
                    Some(first) if asked.len() >= QUESTIONS_A_MINUTE => Some(*first + Duration::from_mins(1)),
                    _ => {
                        asked.push_back(now);
                        None
                    }
                }
            };
            let Some(until) = wait else { break true };
            tokio::select! {
                () = gone.cancelled() => break false,
                () = tokio::time::sleep_until(until) => {}
            }
        };
        self.waiting.fetch_sub(1, Ordering::AcqRel);
        turn
    }
}

fn sampled(content: &Json) -> Json {
    json!({ "role": "assistant", "content": content, "model": "person", "stopReason": "endTurn" })
}

/// https, or http on this machine; nothing that smuggles credentials.
pub(crate) fn may_open(url: &url::Url) -> bool {
    let loopback = match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    let scheme = url.scheme() == "https" || (url.scheme() == "http" && loopback);
    scheme && url.host().is_some() && url.username().is_empty() && url.password().is_none() && url.as_str().len() <= 8192
}

/// Why a form is not shown: it asks for a password, or for too much.
fn unfit(schema: &Json) -> Option<&'static str> {
    let Some(properties) = schema.get("properties").and_then(Json::as_object) else {
        return schema.as_object().is_none().then_some("its schema is no object");
    };
    if properties.len() > FIELDS {
        return Some("it has too many fields");
    }
    let secret = |name: &str, field: &Json| {
        let format = field.get("format").and_then(Json::as_str).unwrap_or_default();
        let name = name.to_ascii_lowercase().replace(['-', ' '], "_");
        matches!(format, "password" | "secret")
            || ["password", "passwd", "passphrase", "secret", "api_key", "apikey", "access_token", "private_key", "credit_card"]
                .iter()
                .any(|word| name.contains(word))
    };
    properties.iter().any(|(name, field)| secret(name, field)).then_some("it asks for a password or another secret")
}

/// What the person left out is filled in from the schema's defaults.
fn with_defaults(mut content: JsonMap, schema: &Json) -> JsonMap {
    for (name, field) in schema.get("properties").and_then(Json::as_object).into_iter().flatten() {
        if let Some(default) = field.get("default")
            && !content.contains_key(name)
        {
            content.insert(name.clone(), default.clone());
        }
    }
    content
}

/// The side of us that rmcp calls when the server asks.
#[derive(Debug)]
pub(crate) struct Door {
    pub(crate) answers: Arc<Answers>,
    pub(crate) over: CancellationToken,
}

impl Service<RoleClient> for Door {
    async fn handle_request(&self, request: ServerRequest, context: RequestContext<RoleClient>) -> Result<ClientResult, McpError> {
        let (method, params) = match request {
            ServerRequest::CustomRequest(request) => (request.method, request.params.unwrap_or_default()),
            typed => {
                let mut whole = serde_json::to_value(&typed).map_err(|fault| ErrorData::invalid_request(fault.to_string(), None))?;
                (whole["method"].as_str().unwrap_or_default().to_owned(), whole["params"].take())
            }
        };
        let answer = tokio::select! {
            biased;
            () = self.over.cancelled() => return Err(ErrorData::internal_error("the session is over", None)),
            answer = self.answers.answer(&method, params, &context.ct) => answer,
        };
        match answer {
            Ok(value) => Ok(ClientResult::CustomResult(CustomResult(value))),
            Err(refusal) => Err(ErrorData::new(ErrorCode(refusal.code), refusal.words, None)),
        }
    }

    async fn handle_notification(&self, _: ServerNotification, _: NotificationContext<RoleClient>) -> Result<(), McpError> {
        Ok(())
    }

    fn get_info(&self) -> ClientConfig {
        client_config()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_that_asks_for_a_secret_is_not_shown() {
        for (schema, fit) in [
            (json!({ "type": "object", "properties": { "name": { "type": "string" } } }), true),
            (json!({ "type": "object", "properties": { "db-Password": { "type": "string" } } }), false),
            (json!({ "type": "object", "properties": { "x": { "type": "string", "format": "password" } } }), false),
            (json!({ "type": "object", "properties": (0..500).map(|n| (format!("f{n}"), json!({}))).collect::<JsonMap>() }), false),
            (json!("string"), false),
            (json!({ "type": "object" }), true),
        ] {
            assert_eq!(unfit(&schema).is_none(), fit, "{schema}");
        }
    }

    #[test]
    fn only_pages_that_a_browser_may_be_sent_to_are_opened() {
        // C-44.
        for (url, open) in [
            ("https://login.example/x?y=1", true),
            ("http://127.0.0.1:8080/cb", true),
            ("http://localhost/cb", true),
            ("http://login.example/x", false),
            ("javascript:alert(1)", false),
            ("file:///etc/passwd", false),
            ("https://user:pw@login.example/", false),
            ("https://user@login.example/", false),
        ] {
            assert_eq!(may_open(&url::Url::parse(url).unwrap()), open, "{url}");
        }
    }

    #[test]
    fn what_was_left_out_comes_from_the_defaults() {
        let schema = json!({ "properties": { "a": { "default": 1 }, "b": { "default": "x" }, "c": {} } });
        let filled = with_defaults(json!({ "b": "mine" }).as_object().unwrap().clone(), &schema);
        assert_eq!(Json::Object(filled), json!({ "b": "mine", "a": 1 }));
    }
}
