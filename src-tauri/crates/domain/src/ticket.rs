//! The slip without which no session runs a tool.

use crate::Json;
use crate::audit::{Durability, Entry, Event};
use crate::fault::Fault;
use crate::id::{AuditId, CallId, Millis};
use crate::policy::Permit;
use crate::ports::AuditLog;
use crate::tool::Risk;

/// Proof that policy permitted a call and that its intent is written. Only [`Ticket::begin`] makes one.
///
/// ```compile_fail,E0451
/// # fn forge(permit: domain::policy::Permit, id: domain::id::AuditId) -> domain::ticket::Ticket {
/// domain::ticket::Ticket { permit, id }
/// # }
/// ```
/// The twin that compiles:
/// ```
/// # async fn taken(audit: &dyn domain::ports::AuditLog, permit: domain::policy::Permit, id: domain::id::AuditId, at: domain::id::Millis)
/// # -> Result<domain::ticket::Ticket, domain::fault::Fault> {
/// domain::ticket::Ticket::begin(audit, permit, id, at, domain::Json::Null).await
/// # }
/// ```
#[derive(Debug)]
pub struct Ticket {
    permit: Permit,
    id: AuditId,
}

impl Ticket {
    /// Writes the intent and hands the ticket out. When the intent cannot be written, there is no ticket and nothing runs.
    pub async fn begin(audit: &dyn AuditLog, permit: Permit, id: AuditId, at: Millis, args_shape: Json) -> Result<Self, Fault> {
        let facts = permit.facts();
        let durability = if facts.risk >= Risk::Medium { Durability::OnDisk } else { Durability::Queued };
        let entry = Entry {
            id: id.clone(),
            at,
            actor: facts.actor.clone(),
            server: Some(facts.server.clone()),
            server_name: facts.server_name.clone(),
            server_fingerprint: facts.server_fingerprint.clone(),
            event: Event::Intent {
                tool: facts.tool.clone(),
                risk: facts.risk,
                args_shape,
                args_hash: facts.args_hash.clone(),
                rule: permit.rule().to_owned(),
                approval: permit.approval().map(|approval| approval.question.as_str().to_owned()),
            },
        };
        audit.append(entry, durability).await?;
        Ok(Self { permit, id })
    }

    /// The reference that a user can quote.
    pub fn audit_id(&self) -> &AuditId {
        &self.id
    }

    /// The call it is for.
    pub fn call(&self) -> &CallId {
        &self.permit.facts().call
    }

    /// What was permitted.
    pub fn permit(&self) -> &Permit {
        &self.permit
    }
}
