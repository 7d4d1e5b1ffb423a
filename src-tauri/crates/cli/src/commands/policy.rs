//! `pilot policy`: who may do what.

use std::path::Path;

use domain::fault::{Fault, FaultKind};
use domain::policy::{Door, Policy, Rule, Verdict};
use domain::text::Text;
use domain::tool::Risk;

use super::word_of;
use crate::args::{DoorArg, PolicyCommand, RiskArg, RiskCommand, RuleCommand, VerdictArg};
use crate::context::Context;
use crate::table::Table;
use crate::target::read_text;

/// Shows and changes the policy.
pub(super) async fn run(cx: &Context, command: PolicyCommand) -> Result<u8, Fault> {
    let mut policy = match command {
        PolicyCommand::Show => return show(cx).await,
        PolicyCommand::Set { file } => {
            let policy = whole(&file)?;
            return save(cx, policy).await;
        }
        PolicyCommand::Rule(_) | PolicyCommand::Risk(_) => cx.app.rules.get().await?.policy,
    };
    match command {
        PolicyCommand::Rule(RuleCommand::Add { id, verdict, door, risk, server, tool, before }) => {
            let rule = Rule { id, door: door.map(door_of), risk: risk.map(risk_of), server, tool, verdict: verdict_of(verdict) };
            let place = match &before {
                None => policy.rules.len(),
                Some(other) => policy.rules.iter().position(|rule| rule.id == *other).ok_or_else(|| no_rule(other))?,
            };
            policy.rules.insert(place, rule);
        }
        PolicyCommand::Rule(RuleCommand::Remove { id }) => {
            let place = policy.rules.iter().position(|rule| rule.id == id).ok_or_else(|| no_rule(&id))?;
            policy.rules.remove(place);
        }
        PolicyCommand::Risk(RiskCommand::Set { server, tool, risk }) => {
            policy.risks.retain(|(other_server, other_tool, _)| (other_server, other_tool) != (&server, &tool));
            // The one that was said last counts first.
            policy.risks.insert(0, (server, tool, risk_of(risk)));
        }
        PolicyCommand::Risk(RiskCommand::Remove { server, tool }) => {
            let before = policy.risks.len();
            policy.risks.retain(|(other_server, other_tool, _)| (other_server, other_tool) != (&server, &tool));
            if policy.risks.len() == before {
                return Err(no_rule(&format!("{server} {tool}")));
            }
        }
        PolicyCommand::Show | PolicyCommand::Set { .. } => {}
    }
    save(cx, policy).await
}

async fn save(cx: &Context, policy: Policy) -> Result<u8, Fault> {
    cx.app.rules.set(policy, &cx.actor).await?;
    if cx.out.for_programs() {
        cx.out.document(&cx.app.rules.get().await?);
    } else {
        cx.out.remark(&Text::new("the policy was saved", "策略已保存"));
    }
    Ok(0)
}

async fn show(cx: &Context) -> Result<u8, Fault> {
    let view = cx.app.rules.get().await?;
    cx.out.one(&view, |out| {
        let any = || "*".to_owned();
        let mut rules = Table::new(["RULE", "VERDICT", "DOOR", "RISK", "SERVER", "TOOL"]);
        for rule in &view.policy.rules {
            rules.row([
                rule.id.clone(),
                word_of(&rule.verdict),
                rule.door.map_or_else(any, |door| word_of(&door)),
                rule.risk.map_or_else(any, |risk| word_of(&risk)),
                rule.server.clone().unwrap_or_else(any),
                rule.tool.clone().unwrap_or_else(any),
            ]);
        }
        for (door, risk, verdict) in &view.defaults {
            rules.row([out.word("(default)", "（默认）").into(), word_of(verdict), word_of(door), word_of(risk), any(), any()]);
        }
        let mut text = rules.lines(None).join("\n");
        if !view.policy.risks.is_empty() {
            let mut risks = Table::new(["SERVER", "TOOL", "RISK"]);
            for (server, tool, risk) in &view.policy.risks {
                risks.row([server.clone(), tool.clone(), word_of(risk)]);
            }
            text.push_str(&format!("\n\n{}", risks.lines(None).join("\n")));
        }
        text
    });
    Ok(0)
}

/// A policy, or what `policy show -o json` gave, which holds one.
fn whole(file: &Path) -> Result<Policy, Fault> {
    let text = read_text(file)?;
    let broken = |reason: String| {
        Fault::new(
            FaultKind::Config,
            "policy_file",
            Text::new(
                format!("the policy was not changed: the file is none: {reason}"),
                format!("策略未更改：该文件不是有效的策略：{reason}"),
            ),
            Text::new("start from `pilot policy show -o json`", "请从 `pilot policy show -o json` 的输出开始修改"),
        )
    };
    let mut value: serde_json::Value = serde_json::from_str(&text).map_err(|fault| broken(fault.to_string()))?;
    if let Some(inner) = value.get_mut("policy") {
        value = inner.take();
    }
    if value.get("rules").is_none() && value.get("risks").is_none() {
        return Err(broken("neither `rules` nor `risks` is there".into()));
    }
    serde_json::from_value(value).map_err(|fault| broken(fault.to_string()))
}

fn no_rule(id: &str) -> Fault {
    Fault::new(
        FaultKind::NotFound,
        "no_such_rule",
        Text::new(format!("there is no rule \"{id}\""), format!("没有规则“{id}”")),
        Text::new("see `pilot policy show`", "参见 `pilot policy show`"),
    )
}

fn verdict_of(word: VerdictArg) -> Verdict {
    match word {
        VerdictArg::Allow => Verdict::Allow,
        VerdictArg::Ask => Verdict::Ask,
        VerdictArg::Deny => Verdict::Deny,
    }
}

fn door_of(word: DoorArg) -> Door {
    match word {
        DoorArg::Window => Door::Window,
        DoorArg::Cli => Door::Cli,
        DoorArg::Assistant => Door::Assistant,
        DoorArg::Relay => Door::Relay,
    }
}

fn risk_of(word: RiskArg) -> Risk {
    match word {
        RiskArg::Safe => Risk::Safe,
        RiskArg::Low => Risk::Low,
        RiskArg::Medium => Risk::Medium,
        RiskArg::High => Risk::High,
    }
}
