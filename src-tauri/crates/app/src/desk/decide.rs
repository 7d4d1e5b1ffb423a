//! From an order to leave to run it: the tool, its arguments, its risk, the policy, and a person where the policy asks for one.

use std::sync::Arc;
use std::time::Duration;

use domain::audit::{Durability, Entry, Event};
use domain::fault::{Fault, Phase, ServerFault};
use domain::id::{Millis, QuestionId};
use domain::person::{Answer, Approval, Matter, Question, Scope};
use domain::policy::{CallFacts, Decision, Door, Held, Permit, Refusal};
use domain::protocol::{CallReq, Foreseen};
use domain::tool::{Risk, canonical};
use domain::{Json, JsonMap};

use super::CallOrder;
use super::carry::attempted;
use crate::core::Core;
use crate::event::Tag;
use crate::redacted::redact_json;
use crate::sessions::{ANSWER_WITHIN, Live, Offered, Slot};
use crate::views::ToolDiff;

/// How long trying a call beforehand may take.
const FORESEEN_WITHIN: Duration = Duration::from_secs(90);

/// A call that may run.
pub(super) struct Ready {
    pub(super) live: Arc<Live>,
    pub(super) offered: Arc<Offered>,
    pub(super) args: JsonMap,
    pub(super) args_shape: Json,
    pub(super) args_hash: String,
    pub(super) risk: Risk,
    pub(super) permit: Permit,
}

/// Names and types, no values. Names that are not in the schema are the caller's own words and may be anything: they count, unnamed.
fn shape(args: &JsonMap, schema: &Json) -> Json {
    let kind = |value: &Json| match value {
        Json::Null => "null",
        Json::Bool(_) => "boolean",
        Json::Number(_) => "number",
        Json::String(_) => "string",
        Json::Array(_) => "array",
        Json::Object(_) => "object",
    };
    let known = schema.get("properties").and_then(Json::as_object);
    let mut shape = JsonMap::new();
    let mut others = 0u64;
    for (name, value) in args {
        if known.is_some_and(|known| known.contains_key(name)) {
            shape.insert(name.clone(), kind(value).into());
        } else {
            others += 1;
        }
    }
    if others > 0 {
        shape.insert("(others)".to_owned(), others.into());
    }
    Json::Object(shape)
}

impl Core {
    fn risk(policy: &domain::policy::Policy, name: &str, offered: &Offered) -> Risk {
        policy.risk_override(name, &offered.tool.name).unwrap_or(offered.rated)
    }

    /// The tool, if the server offers it and nothing stands against calling it.
    fn callable(slot: &Slot, order: &CallOrder) -> Result<Arc<Offered>, ServerFault> {
        if let Some(offered) = slot.offered(&order.tool) {
            return Ok(offered);
        }
        let offer = slot.offer();
        if let Some(rule) = offer.hidden.get(&order.tool) {
            return Err(ServerFault::PolicyDenied { rule: format!("the server's setting `{rule}`") });
        }
        let rejected = offer.rejected.iter().find(|one| one.name == order.tool.as_str());
        Err(rejected.map_or_else(
            || ServerFault::NoSuch { what: "tool", name: order.tool.as_str().to_owned() },
            |one| ServerFault::ToolDefinitionRejected { tool: one.name.clone(), reason: one.reason.clone() },
        ))
    }

    /// Goes from an order to leave to run it, or to the reason why not. Nothing was sent to the server's tools when it refuses.
    ///
    /// What happens seldom is boxed: every call's future would else have room for questions and refusals, and be moved with it.
    pub(super) async fn ready(self: &Arc<Self>, slot: &Arc<Slot>, order: &mut CallOrder) -> Result<Ready, Fault> {
        let say = |fault: &ServerFault| self.say(fault, &attempted(&order.tool), &slot.name());
        let policy = self.policy().await?;
        // What policy refuses anyway is refused before anything is connected or started for it.
        if slot.live().is_none()
            && let Some(offered) = slot.offered(&order.tool)
        {
            let name = slot.name();
            let facts = Self::facts(slot, order, &offered, Self::risk(&policy, &name, &offered), String::new());
            if let Decision::Deny(refusal) = policy.decide(facts) {
                let args_shape = shape(&order.args, &offered.tool.input_schema);
                return Err(Box::pin(self.refuse(&refusal, args_shape)).await);
            }
        }
        let live = self.ensure(slot, &order.actor).await?;
        let offered = match Self::callable(slot, order) {
            Ok(offered) => offered,
            Err(fault) => {
                let said = say(&fault);
                return Err(match fault {
                    ServerFault::PolicyDenied { rule } => Box::pin(self.refused_row(slot, order, Risk::High, &rule, said)).await,
                    _ => said,
                });
            }
        };
        let offered = match &offered.quarantine {
            Some(diff) => Box::pin(self.ask_about_change(slot, order, &offered, diff)).await?,
            None => offered,
        };
        let schema = offered.input().map_err(|reason| {
            say(&ServerFault::ToolDefinitionRejected { tool: order.tool.as_str().to_owned(), reason: reason.to_owned() })
        })?;
        let args = Json::Object(offered.rule.fill(std::mem::take(&mut order.args)));
        if let Some((path, reason)) = schema.check(&args, "the arguments").await.map_err(|fault| say(&fault))? {
            return Err(say(&ServerFault::SchemaInvalid { path, reason }));
        }
        let args_hash = self.ports.audit.args_hash(&canonical(&args));
        let Json::Object(args) = args else { return Err(say(&ServerFault::Internal { what: "arguments are no object".into() })) };
        let args_shape = shape(&args, &offered.tool.input_schema);
        let risk = Self::risk(&policy, &slot.name(), &offered);
        let facts = Self::facts(slot, order, &offered, risk, args_hash.clone());
        let held = match policy.decide(facts) {
            Decision::Allow(permit) => return Ok(Ready { live, offered, args, args_shape, args_hash, risk, permit }),
            Decision::Deny(refusal) => return Err(Box::pin(self.refuse(&refusal, args_shape)).await),
            Decision::Ask(held) => held,
        };
        let (permit, args) = Box::pin(self.permitted(slot, order, held, args, &args_shape, Some(&live))).await?;
        // Much may have happened while a person was thinking.
        let live = self.ensure(slot, &order.actor).await?;
        let now = Self::callable(slot, order).map_err(|fault| say(&fault))?;
        let facts = permit.facts();
        if now.fingerprint().as_ref() != facts.tool_fingerprint || slot.definition().fingerprint != facts.server_fingerprint {
            return Err(say(&ServerFault::ToolChanged { tool: order.tool.as_str().to_owned() }));
        }
        Ok(Ready { live, offered, args, args_shape, args_hash, risk, permit })
    }

    /// Whether the caller agreed beforehand to what policy would ask about. Only a command line can say so.
    pub(super) fn agreed_before(order: &CallOrder) -> bool {
        order.approve_once && order.actor.door == Door::Cli
    }

    fn facts(slot: &Slot, order: &CallOrder, offered: &Offered, risk: Risk, args_hash: String) -> CallFacts {
        let definition = slot.definition();
        let mut actor = order.actor.clone();
        actor.can_ask |= Self::agreed_before(order);
        CallFacts {
            call: order.call.clone(),
            actor,
            server: slot.id.clone(),
            server_name: definition.def.name.clone(),
            server_fingerprint: definition.fingerprint.clone(),
            tool: order.tool.clone(),
            tool_fingerprint: offered.fingerprint().to_string(),
            risk,
            args_hash,
        }
    }

    /// Turns a held call into a permit: by an approval that was given earlier, or by asking.
    pub(super) async fn permitted(
        &self,
        slot: &Slot,
        order: &CallOrder,
        held: Held,
        mut args: JsonMap,
        args_shape: &Json,
        live: Option<&Live>,
    ) -> Result<(Permit, JsonMap), Fault> {
        let facts = held.facts();
        let approval = |question: &str, scope: Scope, by: &str| Approval {
            question: QuestionId::new(question),
            server_fingerprint: facts.server_fingerprint.clone(),
            tool_fingerprint: facts.tool_fingerprint.clone(),
            args_hash: if scope == Scope::Once { facts.args_hash.clone() } else { String::new() },
            scope,
            by: by.to_owned(),
            at: self.now(),
        };
        let given = if Self::agreed_before(order) {
            Some(approval("--approve-once", Scope::Once, &order.actor.name))
        } else {
            self.desk.approvals.find(facts)
        };
        let given = if let Some(given) = given {
            given
        } else {
            let foreseen = match live {
                Some(live) => self.foreseen(order, &held, &args, args_shape, live).await?,
                None => None,
            };
            let preview = match foreseen {
                Some(foreseen) => {
                    args.extend(foreseen.pinned);
                    Some(self.ports.redact.redact(&foreseen.text).into_owned())
                }
                None => None,
            };
            let now = self.now();
            let id = uuid::Uuid::new_v4().to_string();
            let question = Question {
                id: QuestionId::new(id.clone()),
                server: slot.id.clone(),
                server_name: facts.server_name.clone(),
                matter: Matter::Call {
                    call: order.call.clone(),
                    tool: order.tool.clone(),
                    risk: facts.risk,
                    args: redact_json(self.ports.redact.as_ref(), Json::Object(args.clone())),
                    rule: held.rule().to_owned(),
                    by: facts.actor.name.clone(),
                    preview,
                },
                asked_at: now,
                expires_at: Millis(now.0 + ANSWER_WITHIN),
            };
            match self.person().ask(question).await {
                Answer::Yes { scope } => {
                    let scope = if facts.risk >= Risk::High { Scope::Once } else { scope };
                    let given = approval(&id, scope, &order.actor.name);
                    self.desk.approvals.keep(&given, facts, self.ports.settings.as_ref()).await?;
                    given
                }
                other => {
                    let why = match other {
                        Answer::No { reason } if !reason.is_empty() => format!("a person said no: {reason}"),
                        Answer::No { .. } => "a person said no".to_owned(),
                        _ => "nobody answered".to_owned(),
                    };
                    let rule = format!("{}: {why}", held.rule());
                    return Err(self.refuse(&held.refused(rule), args_shape.clone()).await);
                }
            }
        };
        match held.approved(given) {
            Ok(permit) => Ok((permit, args)),
            Err(refusal) => Err(self.refuse(&refusal, args_shape.clone()).await),
        }
    }

    /// What the call would change, for the person who is asked. What would fail anyway is not asked about.
    async fn foreseen(
        &self,
        order: &CallOrder,
        held: &Held,
        args: &JsonMap,
        args_shape: &Json,
        live: &Live,
    ) -> Result<Option<Foreseen>, Fault> {
        let req = CallReq { tool: order.tool.clone(), args: args.clone() };
        let tried = tokio::time::timeout(FORESEEN_WITHIN, live.session.foresee(&req)).await;
        let fault = match tried {
            Ok(None) => return Ok(None),
            Ok(Some(Ok(foreseen))) => return Ok(Some(foreseen)),
            Ok(Some(Err(fault))) => fault,
            Err(_) => {
                let fault = ServerFault::Timeout { phase: Phase::Total, after: FORESEEN_WITHIN };
                self.say(&fault, &attempted(&order.tool), &held.facts().server_name)
            }
        };
        let facts = held.facts();
        let entry = Entry {
            id: Self::audit_id(),
            at: self.now(),
            actor: facts.actor.clone(),
            server: Some(facts.server.clone()),
            server_name: facts.server_name.clone(),
            server_fingerprint: facts.server_fingerprint.clone(),
            event: Event::Refused {
                tool: facts.tool.clone(),
                risk: facts.risk,
                args_shape: args_shape.clone(),
                rule: format!("{}: nobody was asked, because it would fail: {}", held.rule(), fault.code),
            },
        };
        Err(self.write_refusal(entry, fault).await)
    }

    /// A tool whose definition changed: a person looks at the difference, or it is not called.
    async fn ask_about_change(
        self: &Arc<Self>,
        slot: &Arc<Slot>,
        order: &CallOrder,
        offered: &Arc<Offered>,
        diff: &ToolDiff,
    ) -> Result<Arc<Offered>, Fault> {
        let changed = ServerFault::ToolChanged { tool: order.tool.as_str().to_owned() };
        let said = self.say(&changed, &attempted(&order.tool), &slot.name());
        if order.actor.can_ask {
            let now = self.now();
            let question = Question {
                id: QuestionId::new(uuid::Uuid::new_v4().to_string()),
                server: slot.id.clone(),
                server_name: slot.name(),
                matter: Matter::ToolChanged { before: Box::new(diff.before.clone()), after: Box::new(diff.after.clone()) },
                asked_at: now,
                expires_at: Millis(now.0 + ANSWER_WITHIN),
            };
            if matches!(self.person().ask(question).await, Answer::Yes { .. }) {
                self.accept_tool(slot, offered, &order.actor).await?;
                return match slot.offered(&order.tool) {
                    Some(now) if now.quarantine.is_none() => Ok(now),
                    _ => Err(said),
                };
            }
        }
        Err(self.refused_row(slot, order, offered.rated, "the tool's definition changed", said).await)
    }

    /// Accepts a tool's changed definition: from now on it counts as the one that was seen first.
    pub(crate) async fn accept_tool(&self, slot: &Slot, offered: &Offered, by: &domain::policy::Actor) -> Result<(), Fault> {
        let detail = serde_json::json!({ "tool": offered.tool.name, "fingerprint": offered.fingerprint().as_ref() });
        self.note(by, Some(slot), "tool_accepted", detail).await?;
        let mut trust = (*slot.trust()).clone();
        trust.tools.insert(offered.tool.name.as_str().to_owned(), (*offered.tool).clone());
        if !slot.one_off {
            self.ports.servers.set_trust(&slot.id, &trust).await?;
        }
        slot.set_trust(trust);
        self.events.changed(Tag::Tools);
        Ok(())
    }

    /// Writes a refusal down and says it.
    pub(super) async fn refuse(&self, refusal: &Refusal, args_shape: Json) -> Fault {
        let facts = refusal.facts();
        let fault = ServerFault::PolicyDenied { rule: refusal.rule().to_owned() };
        let said = self.say(&fault, &attempted(&facts.tool), &facts.server_name);
        let entry = Entry {
            id: Self::audit_id(),
            at: self.now(),
            actor: facts.actor.clone(),
            server: Some(facts.server.clone()),
            server_name: facts.server_name.clone(),
            server_fingerprint: facts.server_fingerprint.clone(),
            event: Event::Refused { tool: facts.tool.clone(), risk: facts.risk, args_shape, rule: refusal.rule().to_owned() },
        };
        self.write_refusal(entry, said).await
    }

    async fn refused_row(&self, slot: &Slot, order: &CallOrder, risk: Risk, rule: &str, said: Fault) -> Fault {
        let definition = slot.definition();
        let entry = Entry {
            id: Self::audit_id(),
            at: self.now(),
            actor: order.actor.clone(),
            server: Some(slot.id.clone()),
            server_name: definition.def.name.clone(),
            server_fingerprint: definition.fingerprint.clone(),
            event: Event::Refused { tool: order.tool.clone(), risk, args_shape: Json::Object(JsonMap::new()), rule: rule.to_owned() },
        };
        self.write_refusal(entry, said).await
    }

    /// A refusal stands whether or not it can be written.
    async fn write_refusal(&self, entry: Entry, said: Fault) -> Fault {
        let id = entry.id.clone();
        let written = self.ports.audit.append(entry, Durability::Queued).await;
        self.events.changed(Tag::Activity);
        match written {
            Ok(()) => said.with_reference(&id),
            Err(fault) => {
                tracing::error!(%fault, "a refusal could not be written down");
                said
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn map(value: Json) -> JsonMap {
        value.as_object().cloned().unwrap()
    }

    #[test]
    fn a_shape_holds_names_and_types_and_no_values() {
        let schema = json!({ "properties": { "a": {}, "b": {}, "c": {} } });
        let args = map(json!({ "a": "hunter2", "b": [1, 2], "c": null, "hunter3": true }));
        assert_eq!(shape(&args, &schema), json!({ "a": "string", "b": "array", "c": "null", "(others)": 1 }));
    }
}
