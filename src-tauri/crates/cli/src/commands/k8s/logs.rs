//! `pilot k8s logs`.

use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use domain::fault::Fault;
use domain::kube::{LogLine, LogPart, LogQuery, LogSink, LogTarget};

use crate::args::K8sLogsArgs;
use crate::context::Context;
use crate::out::Out;
use crate::values::usage;

/// Prints logs. Ctrl-C is the way to end following, so that it is no fault then.
pub(super) async fn logs(cx: &Context, args: K8sLogsArgs) -> Result<u8, Fault> {
    let target = match (args.selector, args.target) {
        (Some(labels), _) => LogTarget::Labels(labels),
        (None, target) => {
            let target = target.unwrap_or_default();
            let (kind, name) = target.split_once('/').unwrap_or(("pods", &target));
            if kind.is_empty() || name.is_empty() || name.contains('/') {
                return Err(usage("log_target", "say a pod, or KIND/NAME", "请写 Pod 名称或 KIND/NAME"));
            }
            LogTarget::Object { kind: kind.to_owned(), name: name.to_owned() }
        }
    };
    let query = LogQuery {
        target,
        namespace: args.place.namespace,
        container: args.container,
        all_containers: args.all_containers,
        follow: args.follow,
        previous: args.previous,
        since_secs: args.since.as_deref().map(seconds).transpose()?,
        tail: args.tail,
    };
    let printed = Printed { out: cx.out.clone(), timestamps: args.timestamps, prefixed: AtomicBool::new(false) };
    let reading = async {
        let cluster = cx.app.kube.cluster(args.place.cluster.as_deref()).await?;
        cx.app.kube.logs(&cluster, &query, &printed).await
    };
    tokio::select! {
        ended = reading => ended.map(|()| 0),
        () = cx.stop.cancelled() => if query.follow { Ok(0) } else { Err(crate::context::cancelled()) },
    }
}

struct Printed {
    out: Out,
    timestamps: bool,
    /// Whether lines come from more than one container.
    prefixed: AtomicBool,
}

impl Printed {
    fn line(&self, line: &LogLine) -> String {
        let mut text = String::new();
        if self.prefixed.load(Ordering::Relaxed) {
            text.push_str(&format!("[{}/{}] ", line.source.pod, line.source.container));
        }
        if let Some(at) = line.at.as_deref().filter(|_| self.timestamps) {
            text.push_str(&format!("{at} "));
        }
        text + &line.text
    }
}

#[async_trait]
impl LogSink for Printed {
    async fn part(&self, part: LogPart) -> bool {
        match part {
            LogPart::Sources(sources) => self.prefixed.store(sources.len() > 1, Ordering::Relaxed),
            LogPart::Note(note) => self.out.remark(&note),
            LogPart::Line(line) if self.out.for_programs() => self.out.line(&serde_json::to_string(&line).unwrap_or_default()),
            LogPart::Line(line) => self.out.foreign_line(&self.line(&line)),
        }
        !self.out.broken()
    }
}

/// `90`, `30s`, `10m`, `2h`, `1d`, and several of them in a row.
fn seconds(text: &str) -> Result<u64, Fault> {
    let wrong =
        || usage("since", format!("\"{text}\" is no time span; say 30s, 10m or 2h"), format!("“{text}”不是时间长度；请写 30s、10m 或 2h"));
    let mut rest = text;
    let mut whole: u64 = 0;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let number: u64 = rest[..end].parse().map_err(|_| wrong())?;
        let unit = rest[end..].chars().next();
        let factor = match unit {
            None if rest == text => 1,
            Some('s') => 1,
            Some('m') => 60,
            Some('h') => 3600,
            Some('d') => 86400,
            _ => return Err(wrong()),
        };
        whole = number.checked_mul(factor).and_then(|part| whole.checked_add(part)).ok_or_else(wrong)?;
        rest = &rest[end + usize::from(unit.is_some())..];
    }
    if whole == 0 { Err(wrong()) } else { Ok(whole) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_span_is_read_as_it_is_written() {
        for (text, expected) in [("30s", 30), ("10m", 600), ("1h30m", 5400), ("90", 90), ("2d", 172_800)] {
            assert_eq!(seconds(text).unwrap(), expected, "{text}");
        }
        for text in ["", "x", "m", "10y", "1h30", "0s", "-5m", "99999999999999999999s", "9é"] {
            assert_eq!(seconds(text).unwrap_err().code, "since", "{text}");
        }
    }
}
