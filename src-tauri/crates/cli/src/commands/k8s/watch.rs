//! `pilot k8s get --watch`: what is there, and then what changes.

use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use domain::Json;
use domain::fault::Fault;
use domain::kube::{Column, KindInfo, ObjectName, Shape, TableRow, WatchFor, WatchPart, WatchSink};
use domain::text::Text;
use serde_json::json;

use super::get::{cell, query};
use crate::args::{Form, K8sGetArgs};
use crate::context::Context;
use crate::out::{Out, bare_fault};
use crate::table::Growing;
use crate::values::usage;

/// Prints until Ctrl-C, which is the way to end it and no fault.
pub(super) async fn watch(cx: &Context, args: K8sGetArgs) -> Result<u8, Fault> {
    let look = query(&args)?;
    let shape = match cx.out.form() {
        Form::Yaml => return Err(usage("watch_form", "changes are printed as a table or as JSON lines", "变化只能以表格或 JSON 行输出")),
        Form::Json | Form::Jsonl => Shape::Objects,
        Form::Table | Form::Wide => Shape::Rows,
    };
    let printed = Printed { out: cx.out.clone(), namespaces: args.all_namespaces, drawn: Mutex::default() };
    let watching = async {
        let cluster = cx.app.kube.cluster(args.place.cluster.as_deref()).await?;
        cx.app.kube.watch(&cluster, &WatchFor::rows(look).shaped(shape), &printed).await
    };
    tokio::select! {
        ended = watching => ended.map(|()| 0),
        () = cx.stop.cancelled() => Ok(0),
    }
}

struct Printed {
    out: Out,
    namespaces: bool,
    drawn: Mutex<Drawn>,
}

/// What a table looks like so far.
#[derive(Default)]
struct Drawn {
    kind: KindInfo,
    columns: Vec<Column>,
    growing: Growing,
    begun: bool,
    /// The head is printed with the first rows, so that it is as wide as they are.
    owes_head: bool,
}

impl Drawn {
    fn head(&self, namespaces: bool, wide: bool) -> Vec<String> {
        let head = (namespaces && self.kind.namespaced).then(|| "NAMESPACE".to_owned());
        head.into_iter().chain(self.shown(wide).map(|(_, column)| column.name.to_uppercase())).collect()
    }

    fn shown(&self, wide: bool) -> impl Iterator<Item = (usize, &Column)> {
        self.columns.iter().enumerate().filter(move |(_, column)| wide || column.priority == 0)
    }

    fn row(&self, row: &TableRow, namespaces: bool, wide: bool) -> Vec<String> {
        let namespace = (namespaces && self.kind.namespaced).then(|| row.namespace.clone().unwrap_or_default());
        namespace.into_iter().chain(self.shown(wide).map(|(nth, _)| row.cells.get(nth).map_or_else(String::new, cell))).collect()
    }

    fn gone(&self, name: &ObjectName, namespaces: bool, word: &str) -> Vec<String> {
        let namespace = (namespaces && self.kind.namespaced).then(|| name.namespace.clone().unwrap_or_default());
        namespace.into_iter().chain([name.name.clone(), word.to_owned()]).collect()
    }
}

impl Printed {
    fn table(&self, part: WatchPart) {
        let wide = self.out.form() == Form::Wide;
        let mut drawn = self.drawn.lock().unwrap_or_else(PoisonError::into_inner);
        let mut lines = match part {
            WatchPart::Head { kind, columns } => {
                (drawn.kind, drawn.columns) = (kind, columns);
                drawn.owes_head = true;
                return;
            }
            WatchPart::Anew => {
                if std::mem::replace(&mut drawn.begun, true) {
                    self.out.remark(&Text::new("everything is listed again", "重新列出全部内容"));
                }
                return;
            }
            WatchPart::Rows(rows) => rows.iter().map(|row| drawn.row(row, self.namespaces, wide)).collect(),
            WatchPart::Gone(names) => {
                let word = self.out.word("(deleted)", "（已删除）");
                names.iter().map(|name| drawn.gone(name, self.namespaces, word)).collect()
            }
            WatchPart::Live => Vec::new(),
            WatchPart::Objects(_) => return,
            WatchPart::Stale { why, .. } => {
                self.out.remark(&Text::new(
                    format!("cut off, trying again: {}", why.message.en),
                    format!("连接中断，正在重试：{}", why.message.zh),
                ));
                return;
            }
            WatchPart::Note(note) => {
                self.out.remark(&note);
                return;
            }
        };
        if std::mem::take(&mut drawn.owes_head) {
            lines.insert(0, drawn.head(self.namespaces, wide));
        }
        for line in drawn.growing.lines(&lines) {
            self.out.line(&line);
        }
    }

    fn lines(&self, part: WatchPart) {
        let mut drawn = self.drawn.lock().unwrap_or_else(PoisonError::into_inner);
        let line = |value: &Json| self.out.line(&value.to_string());
        match part {
            WatchPart::Head { kind, .. } => drawn.kind = kind,
            WatchPart::Anew => line(&json!({ "type": "ANEW" })),
            WatchPart::Objects(objects) => objects.iter().for_each(|object| line(&json!({ "type": "HERE", "object": object }))),
            WatchPart::Gone(names) => {
                for name in names {
                    let object = json!({ "apiVersion": drawn.kind.api_version(), "kind": drawn.kind.kind, "metadata": name });
                    line(&json!({ "type": "GONE", "object": object }));
                }
            }
            WatchPart::Live => line(&json!({ "type": "LIVE" })),
            WatchPart::Stale { since, why } => {
                line(&json!({ "type": "STALE", "since": since, "fault": bare_fault(&why, self.out.lang()) }));
            }
            WatchPart::Note(note) => self.out.remark(&note),
            WatchPart::Rows(_) => {}
        }
    }
}

#[async_trait]
impl WatchSink for Printed {
    async fn part(&self, part: WatchPart) -> bool {
        if self.out.for_programs() {
            self.lines(part);
        } else {
            self.table(part);
        }
        !self.out.broken()
    }
}
