//! Questions that wait for a person, and the answers.
//!
//! **Invariant:** a question is answered once, and counts as refused when it expires or when the asker walks away.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use domain::fault::{Fault, FaultKind};
use domain::id::{Clock, QuestionId};
use domain::person::{Answer, Matter, Person, Question, Scope};
use domain::text::Text;
use domain::tool::Risk;
use tokio::sync::oneshot;

use crate::event::{AppEvent, Events, Tag};

/// Questions that wait. It is the [`Person`] of the window's door: the window shows what is pending and answers.
#[derive(Debug, Clone)]
pub struct Questions {
    pending: Arc<Mutex<HashMap<QuestionId, Pending>>>,
    events: Events,
    clock: Arc<dyn Clock>,
}

#[derive(Debug)]
struct Pending {
    question: Question,
    reply: oneshot::Sender<Answer>,
}

/// Takes the question back when its asker is gone.
struct Withdraw<'q> {
    questions: &'q Questions,
    id: QuestionId,
}

impl Drop for Withdraw<'_> {
    fn drop(&mut self) {
        self.questions.take(&self.id);
        self.questions.events.send(AppEvent::QuestionGone(self.id.clone()));
        self.questions.events.changed(Tag::Approvals);
    }
}

impl Questions {
    pub(crate) fn new(events: Events, clock: Arc<dyn Clock>) -> Self {
        Self { pending: Arc::default(), events, clock }
    }

    fn take(&self, id: &QuestionId) -> Option<Pending> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner).remove(id)
    }

    /// What waits now, oldest first.
    pub fn pending(&self) -> Vec<Question> {
        let pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
        let mut all: Vec<_> = pending.values().map(|one| one.question.clone()).collect();
        all.sort_by(|a, b| (a.asked_at, a.id.as_str()).cmp(&(b.asked_at, b.id.as_str())));
        all
    }

    /// Answers one. A question that is not there any more, and an answer that does not fit, are refused.
    pub fn answer(&self, id: &QuestionId, answer: Answer) -> Result<(), Fault> {
        {
            let pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(waiting) = pending.get(id) {
                fits(&waiting.question.matter, &answer)?;
            }
        }
        let gone = || {
            Fault::new(
                FaultKind::NotFound,
                "question_gone",
                Text::new(format!("question {id} is not open any more"), format!("问题 {id} 已不再等待答复")),
                Text::new(
                    "it was answered elsewhere, expired, or was withdrawn; start again if it is still wanted",
                    "它已在别处得到答复、已过期或被撤回；如仍需要，请重新操作",
                ),
            )
        };
        let waiting = self.take(id).ok_or_else(gone)?;
        waiting.reply.send(answer).map_err(|_| gone())
    }
}

/// Whether that answer can be given to that question.
fn fits(matter: &Matter, answer: &Answer) -> Result<(), Fault> {
    let refuse = |en: &str, zh: &str| {
        Err(Fault::new(
            FaultKind::Usage,
            "answer_does_not_fit",
            Text::new(format!("this question cannot be answered so: {en}"), format!("不能这样答复该问题：{zh}")),
            Text::new("give one of the answers that the question offers", "请在所提供的答复中选择"),
        ))
    };
    match (matter, answer) {
        (Matter::Call { risk: Risk::High, .. }, Answer::Yes { scope: Scope::Session | Scope::Always }) => {
            refuse("a call of high risk is approved one at a time", "高风险调用只能逐次批准")
        }
        (Matter::Form { .. } | Matter::Sample { .. }, Answer::Yes { .. }) => refuse("it asks for data", "它需要填写数据"),
        (Matter::Credential { .. }, Answer::Yes { scope: Scope::Session }) => {
            refuse("a program may have credentials once, for fifteen minutes, or always", "只能许可一次、十五分钟或始终")
        }
        (
            Matter::Call { .. } | Matter::Start { .. } | Matter::ToolChanged { .. } | Matter::Visit { .. } | Matter::SignIn { .. },
            Answer::Yes { scope: Scope::Quarter },
        ) => refuse("only credentials are given for fifteen minutes", "只有凭据可按十五分钟许可"),
        (
            Matter::Call { .. }
            | Matter::Start { .. }
            | Matter::ToolChanged { .. }
            | Matter::Visit { .. }
            | Matter::SignIn { .. }
            | Matter::Credential { .. },
            Answer::Data { .. },
        ) => refuse("it asks for yes or no", "它只需要是或否"),
        _ => Ok(()),
    }
}

#[async_trait]
impl Person for Questions {
    async fn ask(&self, question: Question) -> Answer {
        let patience = question.expires_at.since(self.clock.now());
        let Some(patience) = u64::try_from(patience).ok().filter(|ms| *ms > 0) else { return Answer::Nobody };
        let id = question.id.clone();
        let (reply, answer) = oneshot::channel();
        self.pending.lock().unwrap_or_else(PoisonError::into_inner).insert(id.clone(), Pending { question: question.clone(), reply });
        let _withdraw = Withdraw { questions: self, id };
        self.events.send(AppEvent::Question(Box::new(question)));
        self.events.changed(Tag::Approvals);
        match tokio::time::timeout(Duration::from_millis(patience), answer).await {
            Ok(Ok(answer)) => answer,
            _ => Answer::Nobody,
        }
    }
}
