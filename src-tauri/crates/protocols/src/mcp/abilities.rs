//! Resources, prompts, completions and the log level: MCP's own JSON, checked for its outer shape only.

use std::sync::PoisonError;

use async_trait::async_trait;
use domain::fault::ServerFault;
use domain::protocol::{Completions, Logging, Prompts, Resources};
use domain::{Json, JsonMap};
use serde_json::json;

use super::session::{McpSession, params};

/// RFC 5424 levels in MCP's spelling.
const LEVELS: [&str; 8] = ["debug", "info", "notice", "warning", "error", "critical", "alert", "emergency"];

#[async_trait]
impl Resources for McpSession {
    async fn list(&self) -> Result<Vec<Json>, ServerFault> {
        McpSession::list(self, "resources/list", "resources").await
    }

    async fn templates(&self) -> Result<Vec<Json>, ServerFault> {
        match McpSession::list(self, "resources/templates/list", "resourceTemplates").await {
            // Resources without templates are common, and some servers do not know the question.
            Err(ServerFault::Rpc { code: -32601, .. }) => Ok(Vec::new()),
            list => list,
        }
    }

    async fn read(&self, uri: &str) -> Result<Vec<Json>, ServerFault> {
        let missing = |fault: ServerFault| match fault {
            ServerFault::Rpc { code: -32002, .. } => ServerFault::NoSuch { what: "resource", name: uri.to_owned() },
            fault => fault,
        };
        let mut result = self.request("resources/read", params(&[("uri", uri.into())]), None).await.map_err(missing)?;
        match result.get_mut("contents").map(Json::take) {
            Some(Json::Array(contents)) => Ok(contents),
            _ => Err(ServerFault::ProtocolViolation { rule: "the result of resources/read has no contents".into() }),
        }
    }

    async fn subscribe(&self, uri: &str) -> Result<(), ServerFault> {
        if !self.flag("resources", "subscribe") {
            return Err(ServerFault::Unsupported { what: "resource subscriptions" });
        }
        if self.modern() {
            self.watch.add(uri);
            return Ok(());
        }
        self.ask("resources/subscribe", params(&[("uri", uri.into())]), None).await.map(drop)
    }

    async fn unsubscribe(&self, uri: &str) -> Result<(), ServerFault> {
        if self.modern() {
            self.watch.remove(uri);
            return Ok(());
        }
        self.ask("resources/unsubscribe", params(&[("uri", uri.into())]), None).await.map(drop)
    }
}

#[async_trait]
impl Prompts for McpSession {
    async fn list(&self) -> Result<Vec<Json>, ServerFault> {
        McpSession::list(self, "prompts/list", "prompts").await
    }

    async fn get(&self, name: &str, args: JsonMap) -> Result<Json, ServerFault> {
        let mut wanted = params(&[("name", name.into())]);
        if !args.is_empty() {
            wanted.insert("arguments".into(), Json::Object(args));
        }
        self.request("prompts/get", wanted, None).await
    }
}

#[async_trait]
impl Completions for McpSession {
    async fn complete(&self, reference: Json, argument: &str, value: &str) -> Result<Vec<String>, ServerFault> {
        let wanted = params(&[("ref", reference), ("argument", json!({ "name": argument, "value": value }))]);
        let result = self.ask("completion/complete", wanted, None).await?;
        let values = result.pointer("/completion/values").and_then(Json::as_array);
        let Some(values) = values else {
            return Err(ServerFault::ProtocolViolation { rule: "the result of completion/complete has no values".into() });
        };
        Ok(values.iter().take(100).filter_map(Json::as_str).map(str::to_owned).collect())
    }
}

#[async_trait]
impl Logging for McpSession {
    async fn set_level(&self, level: &str) -> Result<(), ServerFault> {
        if !LEVELS.contains(&level) {
            return Err(ServerFault::SchemaInvalid { path: "level".into(), reason: format!("one of {}", LEVELS.join(", ")) });
        }
        if self.modern() {
            *self.log_level.lock().unwrap_or_else(PoisonError::into_inner) = Some(level.to_owned());
            return Ok(());
        }
        self.ask("logging/setLevel", params(&[("level", level.into())]), None).await.map(drop)
    }
}
