//! Who may do what. [`Policy::decide`] is the only maker of [`Permit`], and nothing runs without one.
//!
//! **Invariant:** the first rule that fits decides; where none fits, the door's default does; a door that cannot ask is denied.

use globset::GlobBuilder;
use serde::{Deserialize, Serialize};

use crate::id::{CallId, ServerId, ToolName};
use crate::person::Approval;
use crate::tool::Risk;

/// The way in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Door {
    /// The desktop window.
    Window,
    /// `pilot`.
    Cli,
    /// The assistant, acting for a person.
    Assistant,
    /// The chat relay.
    Relay,
}

/// Who asks, and through which door.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Actor {
    /// The way in.
    pub door: Door,
    /// The person or the program, as far as it is known (the OS user for window and CLI).
    pub name: String,
    /// Whether somebody is there to be asked.
    pub can_ask: bool,
}

/// What a rule or a default says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Run it.
    Allow,
    /// Ask a person first.
    Ask,
    /// Never.
    Deny,
}

/// One rule. A part that is absent fits everything.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Rule {
    /// Shown wherever the rule decides.
    pub id: String,
    /// Only through this door.
    #[serde(default)]
    pub door: Option<Door>,
    /// Only for tools of this risk.
    #[serde(default)]
    pub risk: Option<Risk>,
    /// Only for servers whose name fits this glob.
    #[serde(default)]
    pub server: Option<String>,
    /// Only for tools whose name fits this glob.
    #[serde(default)]
    pub tool: Option<String>,
    /// What to do.
    pub verdict: Verdict,
}

/// All rules, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Policy {
    /// The first that fits decides.
    #[serde(default)]
    pub rules: Vec<Rule>,
    /// The person's own word on a tool's risk: (server glob, tool glob, risk); the first that fits counts, and may lower.
    #[serde(default)]
    pub risks: Vec<(String, String, Risk)>,
}

/// What is to be decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallFacts {
    /// The call.
    pub call: CallId,
    /// Who asks.
    pub actor: Actor,
    /// Which server.
    pub server: ServerId,
    /// Its name, which rules speak of.
    pub server_name: String,
    /// The definition that would be reached.
    pub server_fingerprint: String,
    /// Which tool.
    pub tool: ToolName,
    /// The tool definition that was validated against.
    pub tool_fingerprint: String,
    /// How risky it is, everything considered.
    pub risk: Risk,
    /// Keyed hash of the canonical arguments.
    pub args_hash: String,
}

/// Leave to run exactly this call. Made by [`Policy::decide`] and by [`Held::approved`], and by nothing else.
///
/// ```compile_fail,E0451
/// # fn forge(facts: domain::policy::CallFacts) -> domain::policy::Permit {
/// domain::policy::Permit { facts, rule: String::new(), approval: None }
/// # }
/// ```
/// The twin that compiles, so that the above fails for the right reason:
/// ```
/// # fn decided(policy: &domain::policy::Policy, facts: domain::policy::CallFacts) -> Option<domain::policy::Permit> {
/// match policy.decide(facts) {
///     domain::policy::Decision::Allow(permit) => Some(permit),
///     _ => None,
/// }
/// # }
/// ```
#[derive(Debug)]
pub struct Permit {
    facts: CallFacts,
    rule: String,
    approval: Option<Approval>,
}

impl Permit {
    /// What may be run.
    pub fn facts(&self) -> &CallFacts {
        &self.facts
    }

    /// The rule that allowed it.
    pub fn rule(&self) -> &str {
        &self.rule
    }

    /// The person's approval, when one was needed.
    pub fn approval(&self) -> Option<&Approval> {
        self.approval.as_ref()
    }
}

/// A call that waits for a person.
#[derive(Debug)]
pub struct Held {
    facts: CallFacts,
    rule: String,
}

impl Held {
    /// What waits.
    pub fn facts(&self) -> &CallFacts {
        &self.facts
    }

    /// The rule that asks.
    pub fn rule(&self) -> &str {
        &self.rule
    }

    /// A person said yes to exactly this: the approval must carry the same call, tool definition and arguments.
    pub fn approved(self, approval: Approval) -> Result<Permit, Refusal> {
        if approval.covers(&self.facts) {
            Ok(Permit { facts: self.facts, rule: self.rule, approval: Some(approval) })
        } else {
            Err(Refusal { facts: self.facts, rule: "approval-mismatch".into() })
        }
    }

    /// Nobody said yes.
    pub fn refused(self, rule: impl Into<String>) -> Refusal {
        Refusal { facts: self.facts, rule: rule.into() }
    }
}

/// A call that is not run.
#[derive(Debug)]
pub struct Refusal {
    facts: CallFacts,
    rule: String,
}

impl Refusal {
    /// What was refused.
    pub fn facts(&self) -> &CallFacts {
        &self.facts
    }

    /// The rule that refused it.
    pub fn rule(&self) -> &str {
        &self.rule
    }
}

/// The outcome of [`Policy::decide`].
#[derive(Debug)]
pub enum Decision {
    /// Run it.
    Allow(Permit),
    /// Ask first.
    Ask(Held),
    /// Do not.
    Deny(Refusal),
}

impl Policy {
    /// Decides. Pure: the same facts give the same decision.
    pub fn decide(&self, facts: CallFacts) -> Decision {
        let fitting = self.rules.iter().find(|rule| rule.fits(&facts));
        let (verdict, rule) = match fitting {
            Some(rule) => (rule.verdict, rule.id.clone()),
            None => Self::default_for(facts.actor.door, facts.risk),
        };
        match verdict {
            Verdict::Allow => Decision::Allow(Permit { facts, rule, approval: None }),
            Verdict::Ask if facts.actor.can_ask => Decision::Ask(Held { facts, rule }),
            Verdict::Ask => Decision::Deny(Refusal { facts, rule: format!("{rule}, and nobody can be asked here") }),
            Verdict::Deny => Decision::Deny(Refusal { facts, rule }),
        }
    }

    /// What a door does without a rule: verdict and the name under which it is shown.
    pub fn default_for(door: Door, risk: Risk) -> (Verdict, String) {
        let verdict = match (door, risk) {
            (Door::Window | Door::Cli, Risk::Safe | Risk::Low) | (Door::Assistant | Door::Relay, Risk::Safe) => Verdict::Allow,
            (Door::Relay, Risk::High) => Verdict::Deny,
            _ => Verdict::Ask,
        };
        let door = match door {
            Door::Window => "window",
            Door::Cli => "cli",
            Door::Assistant => "assistant",
            Door::Relay => "relay",
        };
        let risk = match risk {
            Risk::Safe => "safe",
            Risk::Low => "low",
            Risk::Medium => "medium",
            Risk::High => "high",
        };
        (verdict, format!("default:{door}/{risk}"))
    }

    /// The person's own word on a tool's risk, if they gave one.
    pub fn risk_override(&self, server_name: &str, tool: &ToolName) -> Option<Risk> {
        self.risks
            .iter()
            .find(|(server, name, _)| glob_fits(server, server_name) && glob_fits(name, tool.as_str()))
            .map(|(_, _, risk)| *risk)
    }
}

impl Rule {
    fn fits(&self, facts: &CallFacts) -> bool {
        self.door.is_none_or(|door| door == facts.actor.door)
            && self.risk.is_none_or(|risk| risk == facts.risk)
            && self.server.as_deref().is_none_or(|glob| glob_fits(glob, &facts.server_name))
            && self.tool.as_deref().is_none_or(|glob| glob_fits(glob, facts.tool.as_str()))
    }
}

/// Whether a glob fits a whole name. A glob that does not parse fits nothing: a broken allow rule must not allow.
pub fn glob_fits(glob: &str, name: &str) -> bool {
    if glob == "*" || glob == name {
        return true;
    }
    GlobBuilder::new(glob).literal_separator(false).build().is_ok_and(|glob| glob.compile_matcher().is_match(name))
}
