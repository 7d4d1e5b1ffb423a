//! The policy: who may do what, and what the person says of a tool's risk.

use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use domain::fault::{Fault, FaultKind};
use domain::id::ToolName;
use domain::policy::{Actor, Door, Policy, Verdict};
use domain::text::Text;
use domain::tool::Risk;
use serde::Serialize;
use tokio::time::Instant;

use crate::core::Core;
use crate::event::Tag;

/// A policy changed by another process (a `pilot` beside the window) counts after so long at the latest.
const FRESH: Duration = Duration::from_secs(2);

/// The policy in memory.
#[derive(Debug)]
pub(crate) struct PolicyState {
    policy: RwLock<Arc<Policy>>,
    read_at: Mutex<Instant>,
}

impl PolicyState {
    pub(crate) fn new(policy: Policy) -> Self {
        Self { policy: RwLock::new(Arc::new(policy)), read_at: Mutex::new(Instant::now()) }
    }

    /// The policy as it was read last.
    pub(crate) fn cached(&self) -> Arc<Policy> {
        self.policy.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Takes a policy over; answers whether it differs.
    pub(crate) fn replace(&self, policy: Policy) -> bool {
        let mut slot = self.policy.write().unwrap_or_else(PoisonError::into_inner);
        let differs = **slot != policy;
        if differs {
            *slot = Arc::new(policy);
        }
        drop(slot);
        *self.read_at.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
        differs
    }

    /// Whether it is time to read again. Answers yes to one asker only.
    fn due(&self) -> bool {
        let mut read_at = self.read_at.lock().unwrap_or_else(PoisonError::into_inner);
        let due = read_at.elapsed() >= FRESH;
        if due {
            *read_at = Instant::now();
        }
        due
    }
}

impl Core {
    /// The policy that counts now.
    pub(crate) async fn policy(&self) -> Result<Arc<Policy>, Fault> {
        if self.policy.due() {
            let read = self.ports.settings.policy().await?;
            if self.policy.replace(read) {
                self.events.changed(Tag::Settings);
                self.events.changed(Tag::Tools);
            }
        }
        Ok(self.policy.cached())
    }
}

/// The policy as a page shows it: the rules, and what each door does without one.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PolicyView {
    /// Rules and risks, in order.
    pub policy: Policy,
    /// Door, risk, verdict: what counts where no rule fits.
    pub defaults: Vec<(Door, Risk, Verdict)>,
}

/// Who may do what.
#[derive(Debug, Clone)]
pub struct PolicyBook {
    core: Arc<Core>,
}

impl PolicyBook {
    pub(crate) fn new(core: Arc<Core>) -> Self {
        Self { core }
    }

    /// The policy that counts, with the defaults.
    pub async fn get(&self) -> Result<PolicyView, Fault> {
        let policy = self.core.ports.settings.policy().await?;
        self.core.policy.replace(policy.clone());
        let defaults = [Door::Window, Door::Cli, Door::Assistant, Door::Relay]
            .into_iter()
            .flat_map(|door| [Risk::Safe, Risk::Low, Risk::Medium, Risk::High].map(|risk| (door, risk, Policy::default_for(door, risk).0)))
            .collect();
        Ok(PolicyView { policy, defaults })
    }

    /// Replaces it. Globs that do not parse and rules without an id (or with the same one) are refused: a rule that never fits would
    /// look as if it protected something.
    pub async fn set(&self, policy: Policy, by: &Actor) -> Result<(), Fault> {
        check(&policy)?;
        let before = self.core.policy.cached();
        self.core.note(by, None, "policy_changed", serde_json::json!({ "before": *before, "after": policy })).await?;
        self.core.ports.settings.set_policy(&policy).await?;
        self.core.policy.replace(policy);
        self.core.events.changed(Tag::Settings);
        self.core.events.changed(Tag::Tools);
        Ok(())
    }

    /// The person's own word on a tool's risk, if they gave one.
    pub fn risk_of(&self, server_name: &str, tool: &ToolName) -> Option<Risk> {
        self.core.policy.cached().risk_override(server_name, tool)
    }
}

fn check(policy: &Policy) -> Result<(), Fault> {
    let refuse = |rule: &str, en: String, zh: String| {
        Err(Fault::new(
            FaultKind::Usage,
            "policy_rule",
            Text::new(format!("the rule \"{rule}\" was not kept: {en}"), format!("规则“{rule}”未保存：{zh}")),
            Text::new("correct the rule and save again; the old policy still counts", "请更正后重新保存；原有策略继续生效"),
        )
        .with_params(serde_json::json!({ "rule": rule })))
    };
    let mut seen = std::collections::HashSet::new();
    for rule in &policy.rules {
        if rule.id.trim().is_empty() {
            return refuse("", "a rule needs an id".into(), "规则需要一个 id".into());
        }
        if !seen.insert(rule.id.as_str()) {
            return refuse(&rule.id, "two rules have this id".into(), "有两条规则使用此 id".into());
        }
        for glob in [&rule.server, &rule.tool].into_iter().flatten() {
            if let Err(fault) = globset::Glob::new(glob) {
                return refuse(&rule.id, format!("\"{glob}\" is no glob: {}", fault.kind()), format!("“{glob}”不是有效的通配模式"));
            }
        }
    }
    for (server, tool, _) in &policy.risks {
        for glob in [server, tool] {
            if let Err(fault) = globset::Glob::new(glob) {
                return refuse(glob, format!("\"{glob}\" is no glob: {}", fault.kind()), format!("“{glob}”不是有效的通配模式"));
            }
        }
    }
    Ok(())
}
