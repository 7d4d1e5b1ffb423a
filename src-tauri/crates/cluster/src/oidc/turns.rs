//! One renewal of a sign-in at a time, also among processes: each call of kubectl is one, and an issuer that sees a refresh token twice may
//! withdraw all that came from it.

use std::time::Duration;

use domain::id::{Millis, SecretId};
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::PATIENCE;
use crate::reach::Reach;

/// A turn that was not given back ends by itself (ms).
const LONGEST: i64 = 30_000;
/// Two who take a free turn at once see after this time whose it is.
const SETTLED: Duration = Duration::from_millis(25);
/// How often is looked whether another one is done.
const AGAIN: Duration = Duration::from_millis(50);

/// Who asks an issuer now.
#[derive(Serialize, Deserialize)]
struct Turn {
    by: String,
    until: Millis,
}

fn key(id: &SecretId) -> String {
    format!("sign-in-turn:{id}")
}

/// Waits until no other process renews it. Where nothing is shared with others, or nothing can be kept, nobody is waited for: what then
/// happens at worst is that a person has to sign in again.
pub(super) async fn wait(reach: &Reach, id: &SecretId) {
    let Some(notes) = &reach.notes else { return };
    let (key, mine) = (key(id), uuid::Uuid::new_v4().to_string());
    let last = Instant::now() + PATIENCE;
    while Instant::now() < last {
        let held = notes.get(&key).await.ok().flatten().and_then(|kept| serde_json::from_value::<Turn>(kept).ok());
        let now = reach.parts.clock.now();
        match held {
            Some(turn) if turn.by == mine => return,
            // A turn that ends later than any can is of a clock that was wrong.
            Some(turn) if turn.until > now && turn.until.since(now) <= LONGEST => tokio::time::sleep(AGAIN).await,
            _ => {
                let turn = Turn { by: mine.clone(), until: Millis(now.0.saturating_add(LONGEST)) };
                if notes.set(&key, &serde_json::to_value(turn).unwrap_or_default()).await.is_err() {
                    return;
                }
                tokio::time::sleep(SETTLED).await;
            }
        }
    }
}

/// The next one may.
pub(super) async fn end(reach: &Reach, id: &SecretId) {
    let Some(notes) = &reach.notes else { return };
    if let Err(fault) = notes.set(&key(id), &serde_json::Value::Null).await {
        tracing::debug!(code = fault.code, "the turn of a sign-in was not given back; it ends by itself");
    }
}
