//! The app's side of one session: events, frames, questions, and what is kept for a server.
//!
//! **Invariant:** a server's question is labelled with its own name, is limited in rate, is never answered by anybody but a person,
//! and never asks for a password.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use domain::Json;
use domain::fault::ServerFault;
use domain::id::{Millis, QuestionId};
use domain::person::{Answer, Matter, Question};
use domain::protocol::{Frame, Host, SessionEvent};
use domain::secret::Secret;
use domain::vault::{NewSecret, Owner, SecretBytes, SecretKind};
use tokio::time::Instant;

use super::slot::{Order, Slot};
use crate::core::Core;
use crate::event::{AppEvent, Tag};
use crate::redacted::redact_json;

/// Questions of one server a minute.
const QUESTIONS: usize = 3;
/// How long a person has (ms).
pub(crate) const ANSWER_WITHIN: i64 = 5 * 60_000;
/// Log messages passed on at once, a second.
const LOGS_A_SECOND: usize = 20;
/// Fields of one form.
const FIELDS: usize = 60;

#[derive(Debug)]
pub(crate) struct SlotHost {
    pub(crate) core: Arc<Core>,
    pub(crate) slot: Arc<Slot>,
    pub(crate) generation: u64,
    passed_on: Mutex<VecDeque<Instant>>,
}

impl SlotHost {
    pub(crate) fn new(core: Arc<Core>, slot: Arc<Slot>, generation: u64) -> Self {
        Self { core, slot, generation, passed_on: Mutex::default() }
    }

    /// Whose secret it is that a session keeps under a key.
    fn owner(&self, key: &str) -> Owner {
        Owner::new("oauth", self.slot.id.as_str(), key)
    }

    /// Whether one more may pass within a window.
    fn room(times: &Mutex<VecDeque<Instant>>, most: usize, within: Duration) -> bool {
        let now = Instant::now();
        let mut times = times.lock().unwrap_or_else(PoisonError::into_inner);
        while times.front().is_some_and(|first| now.duration_since(*first) >= within) {
            times.pop_front();
        }
        let room = times.len() < most;
        if room {
            times.push_back(now);
        }
        room
    }

    fn log(&self, level: String, data: Json) {
        let events = &self.core.events;
        if events.heard() {
            if Self::room(&self.passed_on, LOGS_A_SECOND, Duration::from_secs(1)) {
                let data = redact_json(self.core.ports.redact.as_ref(), data.clone());
                events.send(AppEvent::ServerLog { server: self.slot.id.clone(), level: level.clone(), data });
            } else {
                self.slot.wire.dropped.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            }
        }
        self.slot.wire.log(self.core.now(), level, data);
    }

    /// Why a question is not put to anybody, if it is not.
    fn refusal(matter: &Matter) -> Option<String> {
        match matter {
            Matter::Call { .. } | Matter::Start { .. } | Matter::ToolChanged { .. } | Matter::Credential { .. } => {
                Some("a server may not ask this".to_owned())
            }
            Matter::Form { schema, .. } => form_refusal(schema),
            Matter::Visit { url, .. } | Matter::SignIn { url, .. } => match url::Url::parse(url) {
                Ok(url) if matches!(url.scheme(), "http" | "https") && url.username().is_empty() && url.password().is_none() => None,
                _ => Some("only plain http and https pages can be opened".to_owned()),
            },
            Matter::Sample { .. } => None,
        }
    }
}

/// Forms that ask for what nobody should give a server this way, or for too much.
fn form_refusal(schema: &Json) -> Option<String> {
    const SECRETS: [&str; 13] = [
        "password",
        "passwd",
        "passphrase",
        "secret",
        "token",
        "apikey",
        "privatekey",
        "credential",
        "otp",
        "cvv",
        "pincode",
        "密码",
        "口令",
    ];
    let fields = schema.get("properties").and_then(Json::as_object)?;
    if fields.len() > FIELDS {
        return Some(format!("the form has more than {FIELDS} fields"));
    }
    for (name, field) in fields {
        let words = [Some(name.as_str()), field.get("title").and_then(Json::as_str), field.get("format").and_then(Json::as_str)];
        for word in words.into_iter().flatten() {
            let plain: String = word.to_lowercase().chars().filter(|c| c.is_alphanumeric()).collect();
            if SECRETS.iter().any(|secret| plain.contains(secret)) {
                return Some(format!("the form asks for a secret (\"{name}\"); secrets belong into the server's settings"));
            }
        }
    }
    None
}

#[async_trait]
impl Host for SlotHost {
    fn event(&self, event: SessionEvent) {
        match event {
            SessionEvent::ToolsChanged => self.slot.dirty.notify_one(),
            SessionEvent::ResourcesChanged | SessionEvent::PromptsChanged => self.core.events.changed(Tag::Tools),
            SessionEvent::ResourceUpdated(uri) => {
                if self.core.events.heard() && Self::room(&self.passed_on, LOGS_A_SECOND, Duration::from_secs(1)) {
                    self.core.events.send(AppEvent::ResourceUpdated { server: self.slot.id.clone(), uri });
                }
            }
            SessionEvent::Log { level, data } => self.log(level, data),
            SessionEvent::Warning(text) => self.log("warning".to_owned(), Json::String(text)),
            SessionEvent::Ended(fault) => self.slot.order(Order::Broken { generation: self.generation, fault }),
        }
    }

    fn frame(&self, frame: Frame) {
        self.slot.wire.frame(self.core.now(), frame);
    }

    fn wants_frames(&self) -> bool {
        // Always: who looks into the log does so after something went wrong.
        true
    }

    async fn ask(&self, question: Question) -> Answer {
        if let Some(reason) = Self::refusal(&question.matter) {
            self.log("warning".to_owned(), Json::String(format!("a question of this server was refused: {reason}")));
            return Answer::No { reason };
        }
        if !Self::room(&self.slot.asked, QUESTIONS, Duration::from_mins(1)) {
            let reason = format!("more than {QUESTIONS} questions in a minute");
            self.log("warning".to_owned(), Json::String(format!("a question of this server was refused: {reason}")));
            return Answer::No { reason };
        }
        let now = self.core.now();
        let page = match &question.matter {
            // As the opener will be given it, so that the two compare.
            Matter::Visit { url, .. } | Matter::SignIn { url, .. } => url::Url::parse(url).ok().map(String::from),
            _ => None,
        };
        let question = Question {
            id: QuestionId::new(uuid::Uuid::new_v4().to_string()),
            server: self.slot.id.clone(),
            server_name: self.slot.name(),
            matter: question.matter,
            asked_at: now,
            expires_at: Millis(now.0 + ANSWER_WITHIN),
        };
        let _asking = self.slot.asking.begin();
        let answer = self.core.person().ask(question).await;
        if let (Some(page), Answer::Yes { .. }) = (page, &answer) {
            self.slot.pages.lock().unwrap_or_else(PoisonError::into_inner).insert(page);
        }
        answer
    }

    fn roots(&self) -> Vec<(String, String)> {
        self.slot.definition().def.roots()
    }

    async fn recall(&self, key: &str) -> Option<Json> {
        if self.slot.one_off {
            return self.slot.kept.lock().unwrap_or_else(PoisonError::into_inner).get(key).cloned();
        }
        match self.core.ports.servers.recall(&self.slot.id, key).await {
            Ok(kept) => kept,
            Err(fault) => {
                tracing::warn!(server = %self.slot.id, key, %fault, "could not read what was kept for a server");
                None
            }
        }
    }

    async fn keep(&self, key: &str, value: Json) {
        if self.slot.one_off {
            self.slot.kept.lock().unwrap_or_else(PoisonError::into_inner).insert(key.to_owned(), value);
        } else if let Err(fault) = self.core.ports.servers.keep(&self.slot.id, key, &value).await {
            tracing::warn!(server = %self.slot.id, key, %fault, "could not keep something for a server");
        }
    }

    async fn recall_secret(&self, key: &str) -> Option<Secret> {
        let known = self.slot.secrets.lock().unwrap_or_else(PoisonError::into_inner).get(key).cloned();
        if known.is_some() || self.slot.one_off {
            return known;
        }
        let vault = &self.core.ports.vault;
        let id = vault.find(&self.owner(key)).await.ok().flatten()?;
        match vault.open(&id).await {
            Ok(value) => {
                let value = value.to_secret()?;
                self.slot.secrets.lock().unwrap_or_else(PoisonError::into_inner).insert(key.to_owned(), value.clone());
                Some(value)
            }
            Err(fault) => {
                tracing::info!(server = %self.slot.id, code = fault.code, "a sign-in that was kept could not be opened");
                None
            }
        }
    }

    async fn keep_secret(&self, key: &str, value: Secret) {
        self.core.ports.redact.learn(&value);
        self.slot.secrets.lock().unwrap_or_else(PoisonError::into_inner).insert(key.to_owned(), value.clone());
        if self.slot.one_off {
            return;
        }
        let vault = &self.core.ports.vault;
        let owner = self.owner(key);
        let kept = if value.is_empty() {
            match vault.find(&owner).await {
                Ok(Some(id)) => vault.remove(&[id]).await,
                Ok(None) => Ok(()),
                Err(fault) => Err(fault),
            }
        } else {
            let secret = NewSecret { owner, value: SecretBytes::from(&value), kind: SecretKind::SignIn, expires_at: None };
            vault.keep(vec![secret]).await.map(drop)
        };
        // It is in memory: who closed the vault signs in again after a restart.
        if let Err(fault) = kept {
            tracing::info!(server = %self.slot.id, code = fault.code, "a sign-in is kept until Pilothouse ends");
        }
    }

    async fn open_page(&self, url: &url::Url) -> Result<(), ServerFault> {
        let agreed = self.slot.pages.lock().unwrap_or_else(PoisonError::into_inner).contains(url.as_str());
        if !agreed {
            let matter = Matter::SignIn { host: url.host_str().unwrap_or_default().to_owned(), url: url.as_str().to_owned() };
            let now = self.core.now();
            let question = Question {
                id: QuestionId::new(""),
                server: self.slot.id.clone(),
                server_name: String::new(),
                matter,
                asked_at: now,
                expires_at: now,
            };
            if !matches!(self.ask(question).await, Answer::Yes { .. }) {
                return Err(ServerFault::AuthRequired { scheme: "OAuth; nobody agreed to sign in".to_owned() });
            }
        }
        self.core
            .ports
            .opener
            .open(url)
            .await
            .map_err(|fault| ServerFault::AuthFailed { reason: format!("the browser could not be opened: {}", fault.message.en) })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn forms_that_ask_for_secrets_or_for_too_much_are_refused() {
        let many: serde_json::Map<_, _> = (0..500).map(|n| (format!("f{n}"), json!({ "type": "string" }))).collect();
        for refused in [
            json!({ "properties": { "password": {} } }),
            json!({ "properties": { "x": { "title": "Your API key" } } }),
            json!({ "properties": { "x": { "format": "password" } } }),
            json!({ "properties": { "github_token": {} } }),
            json!({ "properties": { "x": { "title": "请输入密码" } } }),
            json!({ "properties": many }),
        ] {
            assert!(form_refusal(&refused).is_some(), "{refused}");
        }
        assert_eq!(form_refusal(&json!({ "properties": { "name": { "title": "Your name" }, "email": {} } })), None);
    }
}
