//! What servers can do besides tools, passed through with the same patience, limits and record as calls.

use std::sync::Arc;

use domain::audit::Durability;
use domain::fault::{Fault, Phase, ServerFault};
use domain::id::ServerId;
use domain::policy::Actor;
use domain::protocol::Session;
use domain::text::Text;
use domain::{Json, JsonMap};
use futures::future::BoxFuture;

use super::{Order, Sessions, calm, json_weight};

/// What one answer may weigh.
const MAX_ANSWER: usize = 16 << 20;

fn within(items: &[Json]) -> Result<(), ServerFault> {
    let weight: usize = items.iter().map(json_weight).sum();
    if weight > MAX_ANSWER { Err(ServerFault::MessageTooLarge { limit: MAX_ANSWER }) } else { Ok(()) }
}

impl Sessions {
    /// Runs one request on a live session.
    async fn through<T>(
        &self,
        id: &ServerId,
        by: &Actor,
        attempted: Text,
        work: impl for<'s> FnOnce(&'s dyn Session) -> BoxFuture<'s, Result<T, ServerFault>> + Send,
    ) -> Result<T, Fault> {
        let slot = self.core.slot(id)?;
        let live = self.core.ensure(&slot, by).await?;
        let name = slot.name();
        let patience = live.numbers.timeout;
        let session: Arc<dyn Session> = live.session.clone();
        let done = async {
            let _turn = slot.gate().turn().await?;
            tokio::select! {
                done = calm(work(session.as_ref())) => done,
                () = tokio::time::sleep(patience) => Err(ServerFault::Timeout { phase: Phase::Idle, after: patience }),
                () = live.gone.cancelled() => Err(ServerFault::ConnectionLost { reason: "it was closed".into(), lost_result: false }),
            }
        }
        .await;
        done.map_err(|fault| {
            let said = self.core.say(&fault, &attempted, &name);
            if fault.ends_session() {
                slot.order(Order::Broken { generation: live.generation, fault });
            }
            said
        })
    }

    async fn note_read(&self, id: &ServerId, by: &Actor, what: &str, detail: Json) -> Result<(), Fault> {
        let slot = self.core.slot(id)?;
        let detail = crate::redacted::redact_json(self.core.ports.redact.as_ref(), detail);
        self.core.note_as(by, Some(&slot), what, detail, Durability::Queued).await
    }

    /// MCP `Resource[]`.
    pub async fn resources(&self, id: &ServerId, by: &Actor) -> Result<Vec<Json>, Fault> {
        let attempted = Text::new("list the resources", "列出资源");
        self.through(id, by, attempted, |session| {
            Box::pin(async move {
                let list = session.as_resources().ok_or(ServerFault::Unsupported { what: "resources" })?.list().await?;
                within(&list).map(|()| list)
            })
        })
        .await
    }

    /// MCP `ResourceTemplate[]`.
    pub async fn resource_templates(&self, id: &ServerId, by: &Actor) -> Result<Vec<Json>, Fault> {
        let attempted = Text::new("list the resource templates", "列出资源模板");
        self.through(id, by, attempted, |session| {
            Box::pin(async move {
                let list = session.as_resources().ok_or(ServerFault::Unsupported { what: "resources" })?.templates().await?;
                within(&list).map(|()| list)
            })
        })
        .await
    }

    /// `contents[]` of one resource. Written down before it is asked for.
    pub async fn read_resource(&self, id: &ServerId, uri: &str, by: &Actor) -> Result<Vec<Json>, Fault> {
        self.note_read(id, by, "resource_read", serde_json::json!({ "uri": uri })).await?;
        let attempted = Text::new(format!("read the resource \"{uri}\""), format!("读取资源“{uri}”"));
        let uri = uri.to_owned();
        self.through(id, by, attempted, |session| {
            Box::pin(async move {
                let list = session.as_resources().ok_or(ServerFault::Unsupported { what: "resources" })?.read(&uri).await?;
                within(&list).map(|()| list)
            })
        })
        .await
    }

    /// Asks to be told when a resource changes (`AppEvent::ResourceUpdated`).
    pub async fn subscribe(&self, id: &ServerId, uri: &str, by: &Actor) -> Result<(), Fault> {
        let attempted = Text::new(format!("watch the resource \"{uri}\""), format!("订阅资源“{uri}”"));
        let uri = uri.to_owned();
        self.through(id, by, attempted, |session| {
            Box::pin(async move { session.as_resources().ok_or(ServerFault::Unsupported { what: "resources" })?.subscribe(&uri).await })
        })
        .await
    }

    /// No longer.
    pub async fn unsubscribe(&self, id: &ServerId, uri: &str, by: &Actor) -> Result<(), Fault> {
        let attempted = Text::new(format!("stop watching the resource \"{uri}\""), format!("取消订阅资源“{uri}”"));
        let uri = uri.to_owned();
        self.through(id, by, attempted, |session| {
            Box::pin(async move { session.as_resources().ok_or(ServerFault::Unsupported { what: "resources" })?.unsubscribe(&uri).await })
        })
        .await
    }

    /// MCP `Prompt[]`.
    pub async fn prompts(&self, id: &ServerId, by: &Actor) -> Result<Vec<Json>, Fault> {
        let attempted = Text::new("list the prompts", "列出提示词");
        self.through(id, by, attempted, |session| {
            Box::pin(async move {
                let list = session.as_prompts().ok_or(ServerFault::Unsupported { what: "prompts" })?.list().await?;
                within(&list).map(|()| list)
            })
        })
        .await
    }

    /// MCP `GetPromptResult`. Written down before it is asked for.
    pub async fn prompt(&self, id: &ServerId, name: &str, args: JsonMap, by: &Actor) -> Result<Json, Fault> {
        self.note_read(id, by, "prompt_read", serde_json::json!({ "name": name })).await?;
        let attempted = Text::new(format!("get the prompt \"{name}\""), format!("获取提示词“{name}”"));
        let name = name.to_owned();
        self.through(id, by, attempted, |session| {
            Box::pin(async move {
                let got = session.as_prompts().ok_or(ServerFault::Unsupported { what: "prompts" })?.get(&name, args).await?;
                within(std::slice::from_ref(&got)).map(|()| got)
            })
        })
        .await
    }

    /// Values for one argument of a prompt or resource template.
    pub async fn complete(&self, id: &ServerId, reference: Json, argument: &str, value: &str, by: &Actor) -> Result<Vec<String>, Fault> {
        let attempted = Text::new(format!("complete \"{argument}\""), format!("补全参数“{argument}”"));
        let (argument, value) = (argument.to_owned(), value.to_owned());
        self.through(id, by, attempted, |session| {
            Box::pin(async move {
                let completions = session.as_completions().ok_or(ServerFault::Unsupported { what: "completions" })?;
                completions.complete(reference, &argument, &value).await
            })
        })
        .await
    }

    /// Asks a server for log messages of this RFC 5424 level and above.
    pub async fn set_log_level(&self, id: &ServerId, level: &str, by: &Actor) -> Result<(), Fault> {
        let attempted = Text::new("set the log level", "设置日志级别");
        let level = level.to_owned();
        self.through(id, by, attempted, |session| {
            Box::pin(async move { session.as_logging().ok_or(ServerFault::Unsupported { what: "logging" })?.set_level(&level).await })
        })
        .await
    }
}
