//! The tools that reach into what runs: a command in a container, ports of pods on this machine. (A Secret's value is no tool: no program may
//! have it.)
//!
//! **Invariant:** what a command writes is held within a limit, whatever it writes.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use domain::cluster::{ClusterDef, Clusters};
use domain::fault::{Fault, FaultKind, ServerFault};
use domain::inside::{ExecInput, ExecOrder, ExecPart, ExecSink, ForwardOrder, ForwardView, Inside, PortPair};
use domain::kube::choose;
use domain::protocol::{CallEvent, CallIo};
use domain::text::Text;
use domain::tool::{Annotations, Tool, ToolResult};
use domain::{Json, JsonMap};
use serde::Deserialize;
use serde_json::json;
use tokio::sync::mpsc;

use super::change::{answer, read};

/// So much of each output is kept: its beginning.
const KEPT: usize = 256 * 1024;
/// How long a command may take, when nothing is said and at most (s).
const USUAL: u64 = 30;
const LONGEST: u64 = 540;
/// How often a caller hears that a command still runs.
const PULSE: Duration = Duration::from_secs(5);

/// The tools.
#[derive(Debug, Clone)]
pub(super) struct InsideTools {
    inside: Arc<dyn Inside>,
    clusters: Arc<dyn Clusters>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Command {
    /// For a shell.
    Line(String),
    /// As it is.
    Words(Vec<String>),
}

impl Command {
    fn words(self) -> Vec<String> {
        match self {
            Self::Line(line) => vec!["sh".to_owned(), "-c".to_owned(), line],
            Self::Words(words) => words,
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ExecArgs {
    #[serde(alias = "name")]
    pod_name: String,
    namespace: Option<String>,
    #[serde(alias = "container_name")]
    container: Option<String>,
    command: Command,
    timeout: Option<u64>,
    cluster: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ForwardArgs {
    target: String,
    namespace: Option<String>,
    ports: Vec<String>,
    cluster: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StopArgs {
    forward: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NoArgs {}

impl InsideTools {
    pub(super) fn new(inside: Arc<dyn Inside>, clusters: Arc<dyn Clusters>) -> Self {
        Self { inside, clusters }
    }

    /// As callers see them.
    pub(super) fn tools() -> Vec<Tool> {
        let cluster =
            json!({ "type": "string", "description": "The cluster, by name or id; the only one there is when absent. 集群名称或 ID" });
        let namespace = json!({ "type": "string", "description": "The namespace; the cluster's usual one when absent. 命名空间" });
        let text = |about: &str| json!({ "type": "string", "minLength": 1, "maxLength": 1024, "description": about });
        let changes = |destructive| Annotations {
            read_only_hint: Some(false),
            destructive_hint: Some(destructive),
            idempotent_hint: Some(false),
            open_world_hint: Some(true),
            ..Annotations::default()
        };
        let reads = Annotations {
            read_only_hint: Some(true),
            destructive_hint: Some(false),
            idempotent_hint: Some(true),
            ..Annotations::default()
        };
        let one = |name: &str, title: &str, about: &str, properties: Json, required: Json, annotations: Annotations| Tool {
            name: name.into(),
            title: Some(title.to_owned()),
            description: about.to_owned(),
            input_schema: json!({ "type": "object", "properties": properties, "required": required, "additionalProperties": false }),
            output_schema: None,
            annotations: Annotations { title: Some(title.to_owned()), ..annotations },
        };
        vec![
            one(
                "k8s-exec-pod",
                "Run a command in a pod · 在 Pod 中运行命令",
                "Runs a command in a container, without a terminal, and answers its exit code and what it wrote. 在容器中运行命令（无终端），返回退出码与输出。",
                json!({
                    "pod_name": text("The pod. Pod 名称。"),
                    "namespace": namespace,
                    "container": text("The container; the pod's usual one when absent. 容器；不填时为默认容器。"),
                    "command": {
                        "description": "The program and its arguments as a list; a text is given to sh -c. 程序及参数列表；文本则交给 sh -c。",
                        "anyOf": [
                            { "type": "string", "minLength": 1, "maxLength": 65536 },
                            { "type": "array", "minItems": 1, "maxItems": 256, "items": { "type": "string", "maxLength": 65536 } },
                        ],
                    },
                    "timeout": { "type": "integer", "minimum": 1, "maximum": LONGEST, "default": USUAL,
                        "description": "After so many seconds the connection is cut. 超过此秒数则断开连接。" },
                    "cluster": cluster,
                }),
                json!(["pod_name", "command"]),
                changes(true),
            ),
            one(
                "k8s-port-forward",
                "Forward ports · 转发端口",
                "Listens on 127.0.0.1 and carries connections to a pod, or to a ready pod of a Service or workload; goes on until it is stopped. 在 127.0.0.1 上监听并转发到 Pod 或就绪的后端 Pod，直到停止。",
                json!({
                    "target": text("A pod, or KIND/NAME such as svc/web or deploy/web. Pod，或 svc/web、deploy/web 等。"),
                    "namespace": namespace,
                    "ports": { "type": "array", "minItems": 1, "maxItems": 32, "items": { "type": "string", "pattern": "^([0-9]{1,5}:)?[A-Za-z0-9-]{1,63}$" },
                        "description": "[LOCAL:]REMOTE; LOCAL 0 takes any free port, REMOTE is a number or a name. [本地:]远程；本地为 0 时自动选择。" },
                    "cluster": cluster,
                }),
                json!(["target", "ports"]),
                changes(false),
            ),
            one(
                "k8s-list-port-forwards",
                "List port forwards · 列出端口转发",
                "Which ports are forwarded now, and where each stands. 列出当前的端口转发及其状态。",
                json!({}),
                json!([]),
                reads,
            ),
            one(
                "k8s-stop-port-forward",
                "Stop a port forward · 停止端口转发",
                "Stops listening and cuts the connections. 停止监听并断开连接。",
                json!({ "forward": text("Its id, as k8s-port-forward gave it. 转发的 ID。") }),
                json!(["forward"]),
                // It changes nothing in a cluster.
                Annotations { destructive_hint: Some(false), idempotent_hint: Some(true), ..Annotations::default() },
            ),
        ]
    }

    /// Runs one; none when it is not one of these.
    pub(super) async fn call(&self, name: &str, args: JsonMap, io: &CallIo) -> Option<Result<ToolResult, ServerFault>> {
        let args = Json::Object(args);
        Some(match name {
            "k8s-exec-pod" => match read(args) {
                Ok(args) => self.exec(args, io).await,
                Err(fault) => Err(fault),
            },
            "k8s-port-forward" => match read(args) {
                Ok(args) => Ok(answer(self.forward(args).await.map(|view| (line(&view), of(&view))))),
                Err(fault) => Err(fault),
            },
            "k8s-list-port-forwards" => match read::<NoArgs>(args) {
                Ok(NoArgs {}) => {
                    let all = self.inside.forwards();
                    Ok(answer(Ok((all.iter().map(line).collect::<Vec<_>>().join("\n"), json!({ "forwards": all })))))
                }
                Err(fault) => Err(fault),
            },
            "k8s-stop-port-forward" => match read::<StopArgs>(args) {
                Ok(StopArgs { forward }) => {
                    let stopped = self.inside.stop_forward(&forward).ok_or_else(|| no_such_forward(&forward));
                    Ok(answer(stopped.map(|view| (format!("stopped {}", line(&view)), of(&view)))))
                }
                Err(fault) => Err(fault),
            },
            _ => return None,
        })
    }

    async fn cluster(&self, named: Option<&str>) -> Result<ClusterDef, Fault> {
        choose(&self.clusters.clusters().await?, named)
    }

    async fn forward(&self, args: ForwardArgs) -> Result<ForwardView, Fault> {
        let cluster = self.cluster(args.cluster.as_deref()).await?;
        let ports = args.ports.iter().map(|pair| PortPair::read(pair)).collect::<Result<_, _>>()?;
        self.inside.forward(&cluster, &ForwardOrder { namespace: args.namespace, target: args.target, ports }).await
    }

    async fn exec(&self, args: ExecArgs, io: &CallIo) -> Result<ToolResult, ServerFault> {
        let kept = Kept::default();
        let cluster = match self.cluster(args.cluster.as_deref()).await {
            Ok(cluster) => cluster,
            Err(fault) => return Ok(answer(Err(fault))),
        };
        let order = ExecOrder {
            namespace: args.namespace,
            pod: args.pod_name,
            container: args.container,
            command: args.command.words(),
            input: false,
            terminal: false,
        };
        let patience = Duration::from_secs(args.timeout.unwrap_or(USUAL).clamp(1, LONGEST));
        // Held: nothing is typed, and that is not told before the end.
        let (_input, nothing) = mpsc::channel::<ExecInput>(1);
        let ended = {
            let run = tokio::time::timeout(patience, self.inside.exec(&cluster, &order, nothing, &kept));
            tokio::pin!(run);
            let mut pulse = tokio::time::interval(PULSE);
            let mut beats = 0.0;
            loop {
                tokio::select! {
                    ended = &mut run => break ended,
                    () = io.cancel.cancelled() => return Err(ServerFault::Cancelled),
                    _ = pulse.tick() => {
                        beats += 1.0;
                        io.emit(CallEvent::Progress { progress: beats, total: None, message: None });
                    }
                }
            }
        };
        let (code, late) = match ended {
            Ok(Ok(code)) => (Some(code), false),
            Ok(Err(fault)) => return Ok(answer(Err(fault))),
            Err(_) => (None, true),
        };
        Ok(kept.told(&cluster, &order, code, late.then_some(patience)))
    }
}

fn of<T: serde::Serialize>(value: &T) -> Json {
    serde_json::to_value(value).unwrap_or(Json::Null)
}

/// A forward in a line.
fn line(view: &ForwardView) -> String {
    let ports = view.ports.iter().map(|port| format!("127.0.0.1:{} -> {}", port.local, port.remote)).collect::<Vec<_>>().join(", ");
    let pod = view.pod.as_deref().unwrap_or("no pod yet");
    format!("{} {}/{} {ports} ({pod})", view.id, view.namespace, view.target)
}

fn no_such_forward(id: &str) -> Fault {
    Fault::new(
        FaultKind::NotFound,
        "no_such_forward",
        Text::new(format!("there is no forward {id}"), format!("没有转发 {id}")),
        Text::new("It may have been stopped already.", "它可能已停止。"),
    )
}

/// What a command wrote, within a limit.
#[derive(Default)]
struct Kept(Mutex<(String, String, [Written; 2])>);

#[derive(Default)]
struct Written {
    bytes: Vec<u8>,
    cut: bool,
}

impl Written {
    fn take(&mut self, bytes: &[u8]) {
        let room = KEPT.saturating_sub(self.bytes.len());
        self.cut |= bytes.len() > room;
        self.bytes.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }
}

#[async_trait]
impl ExecSink for Kept {
    async fn part(&self, part: ExecPart) -> bool {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match part {
            ExecPart::Begun { namespace, container, .. } => (kept.0, kept.1) = (namespace, container),
            ExecPart::Output(bytes) => kept.2[0].take(&bytes),
            ExecPart::Error(bytes) => kept.2[1].take(&bytes),
        }
        true
    }
}

impl Kept {
    fn told(self, cluster: &ClusterDef, order: &ExecOrder, code: Option<i32>, late: Option<Duration>) -> ToolResult {
        let (namespace, container, [out, err]) = self.0.into_inner().unwrap_or_else(PoisonError::into_inner);
        let (stdout, stderr) = (String::from_utf8_lossy(&out.bytes), String::from_utf8_lossy(&err.bytes));
        let whole = json!({
            "cluster": cluster.name, "namespace": namespace, "pod_name": order.pod, "container": container, "command": order.command,
            "exit_code": code, "success": code == Some(0), "timed_out": late.is_some(), "stdout": stdout, "stderr": stderr,
            "truncated": out.cut || err.cut,
        });
        if let Some(after) = late {
            let seconds = after.as_secs();
            let fault = Fault::new(
                FaultKind::Timeout,
                "exec_timeout",
                Text::new(
                    format!("the command did not end within {seconds} s; it may go on there"),
                    format!("命令在 {seconds} 秒内未结束；可能仍在运行"),
                ),
                Text::new("Give it more time (timeout), or a command that ends.", "请增加 timeout，或使用会结束的命令。"),
            );
            let mut result = answer(Err(fault.with_params(whole)));
            result.is_error = true;
            return result;
        }
        let mut text = stdout.into_owned();
        if !stderr.is_empty() {
            text.push_str(&format!("\n[stderr]\n{stderr}"));
        }
        if out.cut || err.cut {
            text.push_str("\n[more was written than is kept]");
        }
        if let Some(code) = code.filter(|code| *code != 0) {
            text.push_str(&format!("\n[exit code {code}]"));
        }
        answer(Ok((text, whole)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_a_list_of_words_or_a_line_for_a_shell() {
        let words = |command: Json| read::<ExecArgs>(json!({ "pod_name": "p", "command": command })).map(|args| args.command.words());
        assert_eq!(words(json!(["ls", "-l a"])).unwrap(), ["ls", "-l a"]);
        assert_eq!(words(json!("ls | wc")).unwrap(), ["sh", "-c", "ls | wc"]);
        assert!(words(json!(7)).is_err());
        assert!(read::<ExecArgs>(json!({ "pod_name": "p", "command": "x", "comand": 1 })).is_err());
    }

    #[test]
    fn what_is_written_is_kept_within_a_limit_and_that_is_said() {
        let mut written = Written::default();
        written.take(&vec![b'a'; KEPT - 1]);
        assert!(!written.cut);
        written.take(b"bc");
        assert!(written.cut && written.bytes.len() == KEPT);
    }

    #[test]
    fn every_tool_says_that_it_changes_something_but_the_list() {
        for tool in InsideTools::tools() {
            assert_eq!(tool.annotations.read_only_hint == Some(true), tool.name.as_str() == "k8s-list-port-forwards", "{}", tool.name);
            assert_eq!(tool.input_schema["additionalProperties"], false);
        }
    }
}
