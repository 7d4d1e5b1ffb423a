//! Questions that only a person may answer, and their answers.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use tokio::time::Instant;

use crate::Json;
use crate::id::{CallId, ClusterId, Millis, QuestionId, ServerId, ToolName};
use crate::policy::CallFacts;
use crate::tool::{Risk, Tool};

/// Where a program would run, and what it would be given.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Start {
    /// The folder; none for the one that Pilothouse itself runs in.
    pub cwd: Option<String>,
    /// The names of the variables that the definition gives it; never their values.
    pub variables: Vec<String>,
}

/// What is asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Matter {
    /// May this call run?
    #[serde(rename_all = "camelCase")]
    Call {
        /// The call.
        call: CallId,
        /// The tool.
        tool: ToolName,
        /// Its risk.
        risk: Risk,
        /// The exact arguments, secrets redacted.
        args: Json,
        /// The rule that asks.
        rule: String,
        /// Who wants it, as far as that is known.
        #[serde(default)]
        by: String,
        /// What it would change, tried beforehand; none where that cannot be told.
        #[serde(default)]
        preview: Option<String>,
    },
    /// May this program be started, or this definition be used? `what` is the exact argv or URL.
    #[serde(rename_all = "camelCase")]
    Start {
        /// Exactly what runs or is reached, never cut.
        what: String,
        /// Where it would run and what it would be given; none when nothing is started.
        program: Option<Start>,
        /// What is risky about it, in both languages: a shell, a relative path, a download at each start.
        warnings: Vec<crate::text::Text>,
    },
    /// May a tool whose definition changed be used again?
    #[serde(rename_all = "camelCase")]
    ToolChanged {
        /// As it was accepted.
        before: Box<Tool>,
        /// As it is now.
        after: Box<Tool>,
    },
    /// A server asks for data (MCP elicitation, form mode).
    #[serde(rename_all = "camelCase")]
    Form {
        /// The server's words; untrusted.
        message: String,
        /// The flat object schema of the answer.
        schema: Json,
    },
    /// A server asks the person to visit a page (MCP elicitation, URL mode). Never fetched beforehand.
    #[serde(rename_all = "camelCase")]
    Visit {
        /// The server's words; untrusted.
        message: String,
        /// The whole URL.
        url: String,
    },
    /// A server asks for a model's answer (MCP sampling); a person writes or declines it while no model is connected.
    #[serde(rename_all = "camelCase")]
    Sample {
        /// `CreateMessageRequest.params`.
        request: Json,
    },
    /// A sign-in in the browser is needed (OAuth). The host is shown before the page opens.
    #[serde(rename_all = "camelCase")]
    SignIn {
        /// The authorization server's host.
        host: String,
        /// The whole URL.
        url: String,
    },
    /// May this program have credentials of a cluster?
    #[serde(rename_all = "camelCase")]
    Credential {
        /// The program's file, as the system tells it; never cut.
        program: String,
        /// SHA-256 of that file, in hex.
        sha256: String,
        /// The cluster.
        cluster: ClusterId,
        /// Its name here.
        cluster_name: String,
        /// Its API server.
        api_server: String,
    },
}

/// One question.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Question {
    /// Its handle.
    pub id: QuestionId,
    /// The server it is about; `Question`s that a server asks are labelled with it.
    pub server: ServerId,
    /// That server's name.
    pub server_name: String,
    /// What is asked.
    pub matter: Matter,
    /// When it was asked.
    pub asked_at: Millis,
    /// When it counts as refused.
    pub expires_at: Millis,
}

/// How far a yes reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// This once.
    Once,
    /// For fifteen minutes. Offered for credentials only.
    Quarter,
    /// Until the app ends. Not offered for credentials.
    Session,
    /// For this exact definition, from now on. Not offered for high risk.
    Always,
}

/// What the person said.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "answer")]
pub enum Answer {
    /// Yes.
    Yes {
        /// How far it reaches.
        scope: Scope,
    },
    /// No.
    No {
        /// Why, if they said.
        reason: String,
    },
    /// The form, filled in, or the sampled message.
    Data {
        /// The data.
        data: Json,
    },
    /// Nobody answered in time, or nobody is there.
    Nobody,
}

/// Puts questions to people. A door supplies one; [`NobodyThere`] is for doors without a person.
#[async_trait]
pub trait Person: Send + Sync + std::fmt::Debug {
    /// Asks and waits. Answers [`Answer::Nobody`] when the question expires.
    async fn ask(&self, question: Question) -> Answer;
}

/// Nobody is there to be asked.
#[derive(Debug, Clone, Copy, Default)]
pub struct NobodyThere;

#[async_trait]
impl Person for NobodyThere {
    async fn ask(&self, _: Question) -> Answer {
        Answer::Nobody
    }
}

/// How much is with a person now: a question, or a page that they were sent to. Their time is nobody's delay. Clones count together.
#[derive(Debug, Clone)]
pub struct Thinking(Arc<watch::Sender<usize>>);

impl Default for Thinking {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(0)))
    }
}

impl Thinking {
    /// Something is with a person, for as long as the answer of this lives.
    pub fn begin(&self) -> Thought {
        self.0.send_modify(|count| *count += 1);
        Thought(self.clone())
    }

    /// Whether something is with a person.
    pub fn now(&self) -> bool {
        *self.0.borrow() > 0
    }

    /// Waits for work with patience; the time in which a person thinks does not count. None when the patience is at its end.
    pub async fn patiently<T>(&self, patience: Duration, work: impl Future<Output = T>) -> Option<T> {
        tokio::pin!(work);
        let mut left = patience;
        let mut count = self.0.subscribe();
        loop {
            tokio::select! {
                done = &mut work => return Some(done),
                _ = count.wait_for(|count| *count == 0) => {}
            }
            let began = Instant::now();
            tokio::select! {
                biased;
                done = &mut work => return Some(done),
                _ = count.wait_for(|count| *count > 0) => left = left.saturating_sub(began.elapsed()),
                () = tokio::time::sleep(left) => return None,
            }
        }
    }
}

/// Something that is with a person. Dropped when it no longer is.
#[derive(Debug)]
pub struct Thought(Thinking);

impl Drop for Thought {
    fn drop(&mut self) {
        self.0.0.send_modify(|count| *count -= 1);
    }
}

/// A person's yes to one call: bound to server definition, tool definition, arguments, and a time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Approval {
    /// Which question was answered.
    pub question: QuestionId,
    /// The server definition it was given for.
    pub server_fingerprint: String,
    /// The tool definition it was given for.
    pub tool_fingerprint: String,
    /// The arguments it was given for; empty for a scope wider than once.
    pub args_hash: String,
    /// How far it reaches.
    pub scope: Scope,
    /// Who said yes.
    pub by: String,
    /// When.
    pub at: Millis,
}

impl Approval {
    /// Whether this yes is for that call.
    pub fn covers(&self, facts: &CallFacts) -> bool {
        let same_tool = self.server_fingerprint == facts.server_fingerprint && self.tool_fingerprint == facts.tool_fingerprint;
        same_tool
            && match self.scope {
                Scope::Once => self.args_hash == facts.args_hash,
                Scope::Quarter => false,
                Scope::Session => true,
                Scope::Always => facts.risk < Risk::High,
            }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_a_person_takes_is_not_counted_and_what_a_machine_takes_is() {
        let thinking = Thinking::default();
        let secs = Duration::from_secs;
        let slow_person = async {
            tokio::time::sleep(secs(3)).await;
            let thought = thinking.begin();
            tokio::time::sleep(secs(200)).await;
            drop(thought);
            tokio::time::sleep(secs(4)).await;
        };
        assert_eq!(thinking.patiently(secs(8), slow_person).await, Some(()));
        let slow_machine = async {
            tokio::time::sleep(secs(3)).await;
            drop(thinking.begin());
            tokio::time::sleep(secs(6)).await;
        };
        assert_eq!(thinking.patiently(secs(8), slow_machine).await, None);
        assert!(!thinking.now());
    }
}
