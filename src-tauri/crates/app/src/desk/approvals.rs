//! Approvals that reach further than one call.
//!
//! **Invariant:** none is kept for a call of high risk; each is bound to the server's and the tool's definition.

use std::sync::{Mutex, PoisonError};

use domain::fault::Fault;
use domain::person::{Approval, Scope};
use domain::policy::CallFacts;
use domain::ports::Settings;
use domain::tool::Risk;

/// Where `Always` approvals are kept.
const KEY: &str = "approvals";
/// The oldest ones go when there are more.
const MOST: usize = 1_000;

/// Approvals that still count.
#[derive(Debug, Default)]
pub(crate) struct Approvals {
    kept: Mutex<Vec<Approval>>,
}

impl Approvals {
    /// Reads what earlier runs kept. A document that does not decode counts as none: then people are asked again.
    pub(crate) async fn load(settings: &dyn Settings) -> Result<Self, Fault> {
        let kept = settings.get(KEY).await?.and_then(|kept| serde_json::from_value(kept).ok()).unwrap_or_default();
        Ok(Self { kept: Mutex::new(kept) })
    }

    /// An approval for that call, given earlier.
    pub(crate) fn find(&self, facts: &CallFacts) -> Option<Approval> {
        if facts.risk >= Risk::High {
            return None;
        }
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.iter().find(|approval| approval.scope != Scope::Once && approval.covers(facts)).cloned()
    }

    /// Keeps one that reaches further than once.
    pub(crate) async fn keep(&self, approval: &Approval, facts: &CallFacts, settings: &dyn Settings) -> Result<(), Fault> {
        if approval.scope == Scope::Once || facts.risk >= Risk::High {
            return Ok(());
        }
        let lasting: Vec<Approval> = {
            let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
            kept.push(approval.clone());
            let over = kept.len().saturating_sub(MOST);
            kept.drain(..over);
            kept.iter().filter(|one| one.scope == Scope::Always).cloned().collect()
        };
        if approval.scope == Scope::Always {
            settings.set(KEY, &serde_json::to_value(lasting).unwrap_or_default()).await?;
        }
        Ok(())
    }
}
