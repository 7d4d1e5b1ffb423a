//! `pilot k8s get` and `pilot k8s kinds`.

use domain::Json;
use domain::fault::Fault;
use domain::kube::{LookFor, Objects, Scope, Table as Drawn};
use domain::text::Text;
use serde_json::json;

use crate::args::{Form, K8sGetArgs};
use crate::context::Context;
use crate::table::Table;
use crate::values::usage;

/// Lists objects, or shows one.
pub(super) async fn get(cx: &Context, args: K8sGetArgs) -> Result<u8, Fault> {
    let query = query(&args)?;
    let cluster = cx.app.kube.cluster(args.place.cluster.as_deref()).await?;
    if cx.out.for_programs() {
        let found = cx.app.kube.objects(&cluster, &query).await?;
        documents(cx, found, query.name.is_some());
        return Ok(0);
    }
    let table = cx.app.kube.table(&cluster, &query).await?;
    for note in &table.notes {
        cx.out.remark(note);
    }
    if table.rows.is_empty() {
        cx.out.remark(&Text::new(format!("no {} there", table.kind.plural), format!("没有 {}", table.kind.plural)));
        return Ok(0);
    }
    let namespaces = args.all_namespaces && table.kind.namespaced;
    cx.out.table(&drawn(&table, cx.out.form() == Form::Wide, namespaces));
    Ok(0)
}

/// What is looked for.
pub(super) fn query(args: &K8sGetArgs) -> Result<LookFor, Fault> {
    let (kind, name) = kind_and_name(&args.kind, args.name.clone())?;
    if name.is_some() && args.all_namespaces {
        return Err(usage("name_everywhere", "one object is in one namespace: leave -A away", "单个对象只属于一个命名空间：请去掉 -A"));
    }
    let scope = if args.all_namespaces { Some(Scope::All) } else { args.place.namespace.clone().map(Scope::One) };
    Ok(LookFor {
        kind,
        name,
        scope,
        labels: args.selector.clone(),
        fields: args.field_selector.clone(),
        most: None,
        managed_fields: args.show_managed_fields,
    })
}

/// `deploy/web` says both.
pub(super) fn kind_and_name(kind: &str, name: Option<String>) -> Result<(String, Option<String>), Fault> {
    match (kind.split_once('/'), name) {
        (None, name) => Ok((kind.to_owned(), name)),
        (Some((kind, name)), None) if !kind.is_empty() && !name.is_empty() && !name.contains('/') => {
            Ok((kind.to_owned(), Some(name.to_owned())))
        }
        _ => Err(usage("kind_and_name", "say KIND, KIND NAME or KIND/NAME", "请写作 KIND、KIND NAME 或 KIND/NAME")),
    }
}

fn documents(cx: &Context, mut found: Objects, single: bool) {
    match cx.out.form() {
        _ if single => {
            if let Some(item) = found.items.pop() {
                cx.out.document(&item);
            }
        }
        Form::Jsonl => cx.out.list(&found.items, || Table::new([])),
        _ => cx.out.document(&json!({ "apiVersion": "v1", "kind": "List", "metadata": {}, "items": found.items })),
    }
}

/// As the server drew it.
pub(super) fn drawn(table: &Drawn, wide: bool, namespaces: bool) -> Table {
    let shown: Vec<usize> = (0..table.columns.len()).filter(|nth| wide || table.columns[*nth].priority == 0).collect();
    let head = namespaces.then(|| "NAMESPACE".to_owned()).into_iter();
    let mut out = Table::of(head.chain(shown.iter().map(|nth| table.columns[*nth].name.to_uppercase())).collect());
    for row in &table.rows {
        let namespace = namespaces.then(|| row.namespace.clone().unwrap_or_default()).into_iter();
        out.cells(namespace.chain(shown.iter().map(|nth| row.cells.get(*nth).map_or_else(String::new, cell))).collect());
    }
    out
}

pub(super) fn cell(value: &Json) -> String {
    match value {
        Json::String(text) if text.is_empty() => "-".into(),
        Json::String(text) => text.clone(),
        Json::Null => "<none>".into(),
        other => other.to_string(),
    }
}

/// Lists the kinds.
pub(super) async fn kinds(cx: &Context, cluster: Option<&str>) -> Result<u8, Fault> {
    let cluster = cx.app.kube.cluster(cluster).await?;
    let kinds = cx.app.kube.kinds(&cluster).await?;
    if !cx.out.for_programs() {
        for missing in &kinds.missing {
            cx.out.remark(&Text::new(
                format!("not shown: {} ({})", missing.api_version, missing.why.en),
                format!("未显示：{}（{}）", missing.api_version, missing.why.zh),
            ));
        }
    }
    cx.out.list(&kinds.kinds, || {
        let mut table = Table::new(["NAME", "SHORT", "API VERSION", "NAMESPACED", "KIND"]);
        for kind in &kinds.kinds {
            table.row([
                kind.plural.clone(),
                kind.short_names.join(","),
                kind.api_version(),
                kind.namespaced.to_string(),
                kind.kind.clone(),
            ]);
        }
        table
    });
    Ok(0)
}

#[cfg(test)]
mod tests {
    use domain::kube::{Column, TableRow};

    use super::*;

    #[test]
    fn a_kind_and_a_name_can_be_said_in_two_ways() {
        assert_eq!(kind_and_name("po", Some("x".into())).unwrap(), ("po".into(), Some("x".into())));
        assert_eq!(kind_and_name("deploy.apps/web", None).unwrap(), ("deploy.apps".into(), Some("web".into())));
        for (kind, name) in [("a/b", Some("c")), ("/b", None), ("a/", None), ("a/b/c", None)] {
            assert_eq!(kind_and_name(kind, name.map(str::to_owned)).unwrap_err().code, "kind_and_name", "{kind}");
        }
    }

    #[test]
    fn further_columns_are_shown_only_in_a_wide_table() {
        let column = |name: &str, priority: i32| Column { name: name.into(), priority, ..Column::default() };
        let row = TableRow { namespace: Some("x".into()), name: "web".into(), cells: vec![json!("web"), json!(3), Json::Null] };
        let table = Drawn { columns: vec![column("Name", 0), column("Node", 1), column("Age", 0)], rows: vec![row], ..Drawn::default() };
        assert_eq!(drawn(&table, false, false).lines(None), ["NAME  AGE", "web   <none>"]);
        assert_eq!(drawn(&table, true, true).lines(None), ["NAMESPACE  NAME  NODE  AGE", "x          web   3     <none>"]);
    }
}
