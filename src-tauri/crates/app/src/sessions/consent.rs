//! Consent: a person sees exactly what would be started or reached, and says yes or no.

use std::sync::Arc;

use domain::fault::{Fault, ServerFault};
use domain::id::{Millis, QuestionId};
use domain::person::{Answer, Matter, Question, Scope, Start};
use domain::policy::Actor;
use domain::server::ServerDef;

use super::slot::{Order, Slot};
use super::{ANSWER_WITHIN, warnings};
use crate::core::Core;
use crate::event::Tag;
use crate::shown::visible;
use crate::start;

impl Core {
    /// Asks whether this definition may be used. Without a person, or with a no, the answer is a fault and nothing is started.
    pub(crate) async fn ask_to_start(self: &Arc<Self>, slot: &Arc<Slot>, by: &Actor) -> Result<(), Fault> {
        let _one_at_a_time = slot.consent.lock().await;
        if slot.accepted() {
            return Ok(());
        }
        let definition = slot.definition();
        let what = self.target(&definition.def);
        let refused = || self.say_connect(&ServerFault::ConsentRequired { what: what.clone() }, &definition.def.name);
        if !by.can_ask {
            slot.order(Order::Look);
            return Err(refused());
        }
        let now = self.now();
        let question = Question {
            id: QuestionId::new(uuid::Uuid::new_v4().to_string()),
            server: slot.id.clone(),
            server_name: definition.def.name.clone(),
            matter: self.start_of(&definition.def, &what),
            asked_at: now,
            expires_at: Millis(now.0 + ANSWER_WITHIN),
        };
        match self.person().ask(question).await {
            Answer::Yes { scope } if slot.definition().fingerprint == definition.fingerprint => {
                let detail = serde_json::json!({ "what": what, "scope": scope });
                self.note(by, Some(slot), "start_accepted", detail).await?;
                if scope == Scope::Always && !slot.one_off {
                    self.trust_definition(slot, &definition.fingerprint).await?;
                } else {
                    slot.consent_to(&definition.fingerprint);
                }
                slot.order(Order::Look);
                Ok(())
            }
            Answer::Yes { .. } => Err(refused()),
            Answer::No { .. } => {
                self.note(by, Some(slot), "start_refused", serde_json::json!({ "what": what })).await?;
                slot.order(Order::Look);
                Err(refused())
            }
            Answer::Nobody | Answer::Data { .. } => {
                slot.order(Order::Look);
                Err(refused())
            }
        }
    }

    /// What a person is to see of a definition before it is used, whole, with the words of the definition and no value of a variable.
    fn start_of(&self, def: &ServerDef, target: &str) -> Matter {
        let warnings = warnings::of(def);
        let argv = start::argv(&def.settings);
        if argv.is_empty() || !self.protocols.info(&def.protocol).is_some_and(|info| info.starts_program) {
            return Matter::Start { what: target.to_owned(), program: None, warnings };
        }
        let shown = |text: &str| visible(&self.ports.redact.redact(text)).into_owned();
        let program =
            Start { cwd: def.text("cwd").map(shown), variables: start::variables(&def.settings).iter().map(|name| shown(name)).collect() };
        Matter::Start { what: shown(&start::line(&argv)), program: Some(program), warnings }
    }

    /// Keeps that a person accepted a definition.
    pub(crate) async fn trust_definition(&self, slot: &Slot, fingerprint: &str) -> Result<(), Fault> {
        let mut trust = (*slot.trust()).clone();
        fingerprint.clone_into(&mut trust.definition);
        trust.accepted_at = self.now();
        self.ports.servers.set_trust(&slot.id, &trust).await?;
        slot.set_trust(trust);
        self.events.changed(Tag::Servers);
        Ok(())
    }
}
