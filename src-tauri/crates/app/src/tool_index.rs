//! Tools of all servers, namespaced by server, and the search over them.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use domain::JsonMap;
use domain::fault::{Fault, ServerFault};
use domain::id::{CallId, ServerId, ToolName};
use domain::policy::{Actor, CallFacts, Decision, Policy, Verdict};
use domain::text::Text;
use tokio::sync::oneshot;

use crate::core::Core;
use crate::desk::risk;
use crate::sessions::{Offered, Order, Slot};
use crate::views::{Outlook, ToolView};

/// Tools of all servers.
#[derive(Debug, Clone)]
pub struct ToolIndex {
    core: Arc<Core>,
}

/// A tool that fits, by the places of its server and of itself: with thousands of hits nothing is counted up and down for each.
struct Hit {
    score: u32,
    server: usize,
    tool: usize,
}

impl Hit {
    /// Best first; among equals, server names and each server's own order decide.
    fn rank(&self) -> (std::cmp::Reverse<u32>, usize, usize) {
        (std::cmp::Reverse(self.score), self.server, self.tool)
    }
}

impl ToolIndex {
    pub(crate) fn new(core: Arc<Core>) -> Self {
        Self { core }
    }

    /// All that are offered, by server name and in each server's own order. Servers that are not connected show what was last seen;
    /// switched-off ones show nothing.
    pub fn all(&self) -> Vec<ToolView> {
        let policy = self.core.policy.cached();
        let slots = self.core.saved_slots();
        slots.iter().filter(|slot| slot.definition().def.enabled).flat_map(|slot| views(slot, &policy)).collect()
    }

    /// One server's.
    pub fn of(&self, server: &ServerId) -> Result<Vec<ToolView>, Fault> {
        let slot = self.core.slot(server)?;
        Ok(views(&slot, &self.core.policy.cached()))
    }

    /// One tool.
    pub fn get(&self, server: &ServerId, tool: &ToolName) -> Result<ToolView, Fault> {
        let slot = self.core.slot(server)?;
        let offered = slot.offered(tool).ok_or_else(|| self.no_tool(&slot, tool))?;
        Ok(view(&slot, &slot.name(), &offered, &self.core.policy.cached()))
    }

    fn no_tool(&self, slot: &Slot, tool: &ToolName) -> Fault {
        let fault = ServerFault::NoSuch { what: "tool", name: tool.as_str().to_owned() };
        self.core.say(&fault, &Text::new("find the tool", "查找工具"), &slot.name())
    }

    /// The best fits for a few words over name, title and description: every word must be found somewhere.
    pub fn search(&self, query: &str, limit: usize) -> Vec<ToolView> {
        let words: Vec<String> = query.split_whitespace().map(str::to_lowercase).collect();
        let whole = words.join(" ");
        let mut offers = Vec::new();
        let mut hits = Vec::new();
        for slot in self.core.saved_slots() {
            let definition = slot.definition();
            if !definition.def.enabled {
                continue;
            }
            let server = definition.def.name.to_lowercase();
            let offer = slot.offer();
            for (tool, offered) in offer.tools.iter().enumerate() {
                if let Some(score) = score(&words, &whole, &server, offered) {
                    hits.push(Hit { score, server: offers.len(), tool });
                }
            }
            offers.push((slot, offer));
        }
        if limit < hits.len() {
            hits.select_nth_unstable_by_key(limit, Hit::rank);
            hits.truncate(limit);
        }
        hits.sort_unstable_by_key(Hit::rank);
        let policy = self.core.policy.cached();
        let found = hits.iter().filter_map(|hit| offers.get(hit.server).and_then(|(slot, offer)| Some((slot, offer.tools.get(hit.tool)?))));
        found.map(|(slot, offered)| view(slot, &slot.name(), offered, &policy)).collect()
    }

    /// Asks a server for its tools anew, connecting first if need be.
    pub async fn refresh(&self, server: &ServerId, by: &Actor) -> Result<Vec<ToolView>, Fault> {
        let slot = self.core.slot(server)?;
        self.core.ensure(&slot, by).await?;
        let (done, listed) = oneshot::channel();
        slot.order(Order::Refresh(done));
        if let Ok(listed) = listed.await {
            listed?;
        }
        self.of(server)
    }

    /// What would happen if this actor ran the tool now: the policy's word, why the risk is what it is, and what would be filled in.
    pub async fn outlook(&self, server: &ServerId, tool: &ToolName, by: &Actor) -> Result<Outlook, Fault> {
        let slot = self.core.slot(server)?;
        let offered = slot.offered(tool).ok_or_else(|| self.no_tool(&slot, tool))?;
        let policy = self.core.policy().await?;
        let name = slot.name();
        let own = policy.risk_override(&name, tool);
        let facts = CallFacts {
            call: CallId::new(""),
            actor: by.clone(),
            server: server.clone(),
            server_name: name,
            server_fingerprint: String::new(),
            tool: tool.clone(),
            tool_fingerprint: String::new(),
            risk: own.unwrap_or(offered.rated),
            args_hash: String::new(),
        };
        let (verdict, rule) = match policy.decide(facts) {
            Decision::Allow(permit) => (Verdict::Allow, permit.rule().to_owned()),
            Decision::Ask(held) => (Verdict::Ask, held.rule().to_owned()),
            Decision::Deny(refusal) => (Verdict::Deny, refusal.rule().to_owned()),
        };
        let risk_reason = match own {
            Some(_) => Text::new("your own setting", "你自己的设定"),
            None => risk::reason(&offered.tool),
        };
        Ok(Outlook { verdict, rule, risk_reason, default_parameters: offered.rule.fill(JsonMap::new()) })
    }

    /// Accepts a tool's changed definition. Accepting what did not change does nothing.
    pub async fn accept(&self, server: &ServerId, tool: &ToolName, by: &Actor) -> Result<(), Fault> {
        let slot = self.core.slot(server)?;
        let offered = slot.offered(tool).ok_or_else(|| self.no_tool(&slot, tool))?;
        if offered.quarantine.is_none() {
            return Ok(());
        }
        self.core.accept_tool(&slot, &offered, by).await
    }
}

fn views(slot: &Slot, policy: &Policy) -> Vec<ToolView> {
    let name = slot.name();
    slot.offer().tools.iter().map(|offered| view(slot, &name, offered, policy)).collect()
}

fn view(slot: &Slot, name: &str, offered: &Offered, policy: &Policy) -> ToolView {
    ToolView {
        server: slot.id.clone(),
        server_name: name.to_owned(),
        tool: offered.shown.clone(),
        risk: policy.risk_override(name, &offered.tool.name).unwrap_or(offered.rated),
        quarantined: offered.quarantine.clone(),
        stale: !slot.fresh.load(Ordering::Acquire),
    }
}

/// How well a tool fits; none when a word is missing. A name counts more than a title's or description's word, a beginning more than
/// a middle.
fn score(words: &[String], whole: &str, server: &str, offered: &Offered) -> Option<u32> {
    let name = offered.name_lower.as_str();
    let mut total = 0;
    for word in words {
        total += if name == word {
            100
        } else if name.starts_with(word.as_str()) {
            60
        // Most tools do not fit, and to know that `contains` is the quicker one.
        } else if name.contains(word.as_str()) {
            let at = name.find(word.as_str()).unwrap_or_default();
            if name[..at].ends_with(|c: char| !c.is_alphanumeric()) { 50 } else { 30 }
        } else if server.contains(word.as_str()) {
            20
        } else if offered.words_lower.contains(word.as_str()) {
            10
        } else {
            return None;
        };
    }
    if words.len() > 1 && (name.contains(whole) || offered.words_lower.contains(whole)) {
        total += 15;
    }
    Some(total)
}
