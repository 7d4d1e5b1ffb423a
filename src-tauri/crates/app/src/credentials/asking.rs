//! Asking a person whether a program may have credentials.
//!
//! **Invariant:** the same thing is asked once, however many callers wait for it; who waits for a person is in nobody else's way; and a yes
//! counts only once it is kept.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use domain::cluster::ClusterDef;
use domain::fault::Fault;
use domain::id::{ClusterId, Millis, QuestionId, ServerId};
use domain::person::{Answer, Matter, Person, Question, Scope};
use domain::policy::{Actor, Door};
use futures::FutureExt as _;
use futures::future::{BoxFuture, Shared, WeakShared};
use tokio_util::task::TaskTracker;

use super::{Caller, ConsentFor, Credentials};

/// How long a person has: kubectl waits meanwhile.
const PATIENCE: i64 = 60_000;
/// More questions than these are not put at once, and no more callers wait for one. Together they are fewer than the door takes in.
const MOST_QUESTIONS: usize = 6;
const MOST_WAITING: usize = 8;

/// What came of asking.
#[derive(Debug, Clone)]
pub(super) enum Outcome {
    /// Something was said, and is kept.
    Said,
    /// Nobody answered in time.
    Nobody,
    /// Everything was locked meanwhile.
    Locked,
    /// Too much is asked already.
    Full,
    /// What was said could not be kept.
    Failed(Box<Fault>),
}

type Asked = BoxFuture<'static, Outcome>;

/// A program, its hash, and the cluster.
type Subject = (String, String, ClusterId);

/// Puts questions to one person, each once.
pub(super) struct Asking {
    person: Arc<dyn Person>,
    tasks: TaskTracker,
    open: Mutex<HashMap<Subject, WeakShared<Asked>>>,
}

impl std::fmt::Debug for Asking {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Asking").field("person", &self.person).finish_non_exhaustive()
    }
}

impl Asking {
    pub(super) fn new(person: Arc<dyn Person>, tasks: TaskTracker) -> Self {
        Self { person, tasks, open: Mutex::default() }
    }

    /// Asks, or waits with those who asked the same before. When the last of them goes away, the question is withdrawn.
    pub(super) async fn ask(&self, desk: &Credentials, cluster: &ClusterDef, caller: &Caller, by: &Actor) -> Outcome {
        match self.join(desk, cluster, caller, by) {
            Some(asked) => asked.await,
            None => Outcome::Full,
        }
    }

    fn join(&self, desk: &Credentials, cluster: &ClusterDef, caller: &Caller, by: &Actor) -> Option<Shared<Asked>> {
        let subject = (caller.program.clone(), caller.sha256.clone(), cluster.id.clone());
        // Those that are let go below must not be let go under the lock.
        let mut seen = Vec::new();
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.retain(|_, weak| {
            let asked = weak.upgrade();
            let waits = asked.as_ref().is_some_and(|asked| asked.peek().is_none());
            seen.extend(asked);
            waits
        });
        let asked = match open.get(&subject).and_then(WeakShared::upgrade) {
            // One of those who hold it is `seen`.
            Some(asked) => (asked.strong_count().unwrap_or(0) <= MOST_WAITING + 1).then_some(asked),
            None if open.len() >= MOST_QUESTIONS => None,
            None => {
                let asked = self.put(desk.clone(), cluster, caller, by).boxed().shared();
                open.extend(asked.downgrade().map(|weak| (subject, weak)));
                Some(asked)
            }
        };
        drop(open);
        asked
    }

    /// Puts the question, and keeps the answer.
    fn put(&self, desk: Credentials, cluster: &ClusterDef, caller: &Caller, by: &Actor) -> impl Future<Output = Outcome> + use<> {
        let now = desk.now();
        let question = Question {
            id: QuestionId::new(uuid::Uuid::new_v4().to_string()),
            server: ServerId::new(String::new()),
            server_name: cluster.name.clone(),
            matter: Matter::Credential {
                program: caller.program.clone(),
                sha256: caller.sha256.clone(),
                cluster: cluster.id.clone(),
                cluster_name: cluster.name.clone(),
                api_server: cluster.server.clone(),
            },
            asked_at: now,
            expires_at: Millis(now.0 + PATIENCE),
        };
        let by = Actor { door: Door::Window, name: by.name.clone(), can_ask: true };
        let (person, tasks) = (self.person.clone(), self.tasks.clone());
        let (cluster, caller) = (cluster.clone(), caller.clone());
        async move {
            let answer = tokio::select! {
                biased;
                () = desk.becomes_locked() => return Outcome::Locked,
                answer = person.ask(question) => answer,
            };
            let word = match answer {
                Answer::Yes { scope: Scope::Once } => ConsentFor::Once,
                Answer::Yes { scope: Scope::Quarter } => ConsentFor::Quarter,
                Answer::Yes { scope: Scope::Always } => ConsentFor::Always,
                Answer::No { .. } => ConsentFor::Deny,
                // A person who has no such answer in their door said nothing.
                Answer::Yes { scope: Scope::Session } | Answer::Data { .. } | Answer::Nobody => return Outcome::Nobody,
            };
            // In a task of its own: what a person said is kept, even when nobody waits for it any more.
            let kept = tasks.spawn(async move { desk.keep(&caller, word, Some(&cluster), &by).await });
            match kept.await {
                Ok(Ok(_)) => Outcome::Said,
                Ok(Err(fault)) => Outcome::Failed(Box::new(fault)),
                Err(_) => Outcome::Nobody,
            }
        }
    }
}
