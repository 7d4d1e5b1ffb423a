//! `pilot k8s events`, `can-i` and `top`.

use std::collections::HashMap;

use domain::Json;
use domain::cluster::ClusterDef;
use domain::fault::Fault;
use domain::kube::{Access, EventQuery, LookFor, Scope, Usage, UsageOf, quantity};
use domain::text::Text;

use super::get::kind_and_name;
use crate::args::{K8sCanIArgs, K8sEventsArgs, K8sPlace, K8sTopCommand};
use crate::context::Context;
use crate::table::Table;
use crate::values::usage;

fn scope(place: &K8sPlace, everywhere: bool) -> Option<Scope> {
    if everywhere { Some(Scope::All) } else { place.namespace.clone().map(Scope::One) }
}

/// Lists what happened.
pub(super) async fn events(cx: &Context, args: K8sEventsArgs) -> Result<u8, Fault> {
    let about = match args.about.as_deref().map(|about| kind_and_name(about, None)).transpose()? {
        None => None,
        Some((kind, Some(name))) => Some((kind, name)),
        Some((_, None)) => return Err(usage("kind_and_name", "--for wants KIND/NAME", "--for 需要 KIND/NAME")),
    };
    let query = EventQuery { scope: scope(&args.place, args.all_namespaces), about, types: args.types };
    let cluster = cx.app.kube.cluster(args.place.cluster.as_deref()).await?;
    let rows = cx.app.kube.events(&cluster, &query).await?;
    cx.out.list(&rows, || {
        let mut head = vec!["LAST SEEN", "COUNT", "TYPE", "REASON", "OBJECT", "MESSAGE"];
        if args.all_namespaces {
            head.insert(0, "NAMESPACE");
        }
        let mut table = Table::of(head.into_iter().map(str::to_owned).collect());
        for row in &rows {
            let mut cells = vec![
                row.last_at.as_deref().unwrap_or("-").split('.').next().unwrap_or_default().trim_end_matches('Z').replace('T', " "),
                row.count.to_string(),
                row.kind.clone(),
                row.reason.clone(),
                format!("{}/{}", row.object_kind.to_lowercase(), row.object_name),
                row.message.clone(),
            ];
            if args.all_namespaces {
                cells.insert(0, row.namespace.clone());
            }
            table.cells(cells);
        }
        table
    });
    Ok(0)
}

/// Asks whether we may.
pub(super) async fn can_i(cx: &Context, args: K8sCanIArgs) -> Result<u8, Fault> {
    let (kind, part) = args.kind.split_once('/').map_or((args.kind.as_str(), None), |(kind, part)| (kind, Some(part.to_owned())));
    let access = Access {
        verb: args.verb.to_lowercase(),
        kind: kind.to_owned(),
        part,
        name: args.name,
        scope: scope(&args.place, args.all_namespaces),
    };
    let cluster = cx.app.kube.cluster(args.place.cluster.as_deref()).await?;
    let answer = cx.app.kube.may(&cluster, &access).await?;
    cx.out
        .one(&answer, |out| out.word(if answer.allowed { "yes" } else { "no" }, if answer.allowed { "可以" } else { "不可以" }).to_owned());
    if !answer.reason.is_empty() {
        cx.out.remark(&Text::same(answer.reason.clone()));
    }
    Ok(u8::from(!answer.allowed))
}

/// Shows what is used.
pub(super) async fn top(cx: &Context, command: K8sTopCommand) -> Result<u8, Fault> {
    match command {
        K8sTopCommand::Nodes { cluster } => {
            let cluster = cx.app.kube.cluster(cluster.as_deref()).await?;
            let rows = cx.app.kube.usage(&cluster, &UsageOf::Nodes).await?;
            let room = if cx.out.for_programs() { HashMap::new() } else { allocatable(cx, &cluster).await };
            cx.out.list(&rows, || {
                let mut table = Table::new(["NAME", "CPU", "CPU%", "MEMORY", "MEMORY%"]);
                for row in &rows {
                    let (cpu, memory) = room.get(&row.name).copied().unwrap_or_default();
                    table.row([
                        row.name.clone(),
                        cores(row),
                        percent(row.cpu_cores, cpu),
                        mebibytes(row),
                        percent(row.memory_bytes, memory),
                    ]);
                }
                table
            });
        }
        K8sTopCommand::Pods { place, all_namespaces, selector } => {
            let cluster = cx.app.kube.cluster(place.cluster.as_deref()).await?;
            let rows = cx.app.kube.usage(&cluster, &UsageOf::Pods { scope: scope(&place, all_namespaces), labels: selector }).await?;
            cx.out.list(&rows, || {
                let mut table = Table::new(["NAMESPACE", "NAME", "CPU", "MEMORY"]);
                for row in &rows {
                    table.row([row.namespace.clone().unwrap_or_default(), row.name.clone(), cores(row), mebibytes(row)]);
                }
                table
            });
        }
    }
    Ok(0)
}

/// What nodes have for pods: cores and bytes. Who may not look at nodes still sees what they use.
async fn allocatable(cx: &Context, cluster: &ClusterDef) -> HashMap<String, (f64, f64)> {
    let nodes = cx.app.kube.objects(cluster, &LookFor::kind("nodes.v1")).await.map(|found| found.items).unwrap_or_default();
    let figure = |node: &Json, what: &str| node.pointer(&format!("/status/allocatable/{what}")).and_then(Json::as_str).and_then(quantity);
    let one = |node: &Json| {
        let name = node.pointer("/metadata/name")?.as_str()?.to_owned();
        Some((name, (figure(node, "cpu").unwrap_or(0.0), figure(node, "memory").unwrap_or(0.0))))
    };
    nodes.iter().filter_map(one).collect()
}

fn percent(used: f64, of: f64) -> String {
    if of > 0.0 { format!("{:.0}%", used / of * 100.0) } else { "-".into() }
}

fn cores(row: &Usage) -> String {
    format!("{:.0}m", (row.cpu_cores * 1000.0).ceil())
}

fn mebibytes(row: &Usage) -> String {
    format!("{:.0}Mi", row.memory_bytes / (1024.0 * 1024.0))
}
