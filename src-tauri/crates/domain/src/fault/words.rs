//! Every fault of a tool server in words: why, and what to do next, in both languages.

use serde_json::json;

use super::{Fault, Phase, ServerFault};
use crate::Json;
use crate::text::Text;

/// Peers may say as much as they like; a message quotes so many characters.
const QUOTED: usize = 300;

fn cut(text: &str) -> String {
    let text = text.trim();
    match text.char_indices().nth(QUOTED) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

fn seconds(duration: std::time::Duration) -> String {
    let seconds = duration.as_secs_f64();
    if (seconds - seconds.round()).abs() < 0.05 { format!("{seconds:.0}") } else { format!("{seconds:.1}") }
}

/// What sort of thing is missing, in Chinese.
fn thing_zh(what: &str) -> &str {
    match what {
        "tool" => "工具",
        "resource" => "资源",
        "prompt" => "提示词",
        "server" => "服务器",
        "tools" => "工具（tools）",
        "resources" => "资源（resources）",
        "prompts" => "提示词（prompts）",
        "completions" => "参数补全（completions）",
        "logging" => "日志级别（logging）",
        "subscriptions" => "资源订阅（subscriptions）",
        other => other,
    }
}

impl Phase {
    /// The phase in both languages.
    pub fn text(self) -> Text {
        let (en, zh) = self.words();
        Text::new(en, zh)
    }

    /// The word that scripts see.
    pub fn name(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::Handshake => "handshake",
            Self::Idle => "idle",
            Self::Total => "total",
            Self::Health => "health",
            Self::Close => "close",
        }
    }
}

impl ServerFault {
    /// Why, in both languages.
    pub fn words(&self) -> Text {
        let zh = match self {
            Self::Settings { field, reason } => format!("设置不符合要求：{field}：{reason}"),
            Self::SpawnFailed { program, reason } => format!("无法启动 {program}：{reason}"),
            Self::ConsentRequired { what } => format!("启动前需要有人同意：{what}"),
            Self::Timeout { phase, after } => format!("在“{}”阶段 {} 秒内没有应答", phase.words().1, seconds(*after)),
            Self::Cancelled => "已取消".into(),
            Self::ServerExited { how, .. } => format!("程序已结束（{how}）"),
            Self::Unreachable { peer, reason } => format!("无法连接到 {peer}：{reason}"),
            Self::ConnectionLost { reason, lost_result: true } => {
                format!("连接已断开（{}），结果丢失：该操作可能已经执行", cut(reason))
            }
            Self::ConnectionLost { reason, .. } => format!("连接已断开：{}", cut(reason)),
            Self::ProtocolViolation { rule } => format!("服务器违反了协议：{}", cut(rule)),
            Self::MessageTooLarge { limit } => format!("消息超过 {limit} 字节的上限"),
            Self::InvalidUtf8 { offset } => format!("第 {offset} 字节处不是有效的 UTF-8"),
            Self::InvalidJson { offset, reason } => format!("第 {offset} 字节处不是有效的 JSON：{}", cut(reason)),
            Self::UnsupportedVersion { offered, ours } => format!("服务器使用的版本是 {}；Pilothouse 支持 {ours}", cut(offered)),
            Self::AuthRequired { scheme } if scheme.is_empty() => "服务器要求身份验证".into(),
            Self::AuthRequired { scheme } => format!("服务器要求身份验证（{}）", cut(scheme)),
            Self::AuthFailed { reason } => format!("服务器拒绝了凭据：{}", cut(reason)),
            Self::TlsFailed { reason } => format!("TLS 握手失败：{}", cut(reason)),
            Self::RedirectRefused { to, reason } => format!("已拒绝重定向到 {}：{reason}", cut(to)),
            Self::AddressRefused { address, reason } => format!("已拒绝地址 {}：{reason}", cut(address)),
            Self::DecompressionLimit { limit } => format!("压缩内容解压后超过 {limit} 字节"),
            Self::RateLimited { retry_after } => format!("请求过多；请在 {} 秒后重试", seconds(*retry_after)),
            Self::HttpStatus { status, body } => format!("HTTP {status}：{}", cut(body)),
            Self::Rpc { code, message, .. } => format!("服务器返回错误 {code}：{}", cut(message)),
            Self::ToolDefinitionRejected { tool, reason } => format!("工具 {} 的定义无法使用：{}", cut(tool), cut(reason)),
            Self::ToolChanged { tool } => format!("工具 {tool} 的定义与已接受的不同"),
            Self::NoSuch { what, name } => format!("没有名为“{}”的{}", cut(name), thing_zh(what)),
            Self::SchemaInvalid { path, reason } => format!("参数不符合要求：{path}：{}", cut(reason)),
            Self::ResultInvalid { reason } => format!("结果不符合工具声明的输出格式：{}", cut(reason)),
            Self::ResourceLimit { what, limit } => format!("{what} 超过上限 {limit}"),
            Self::PolicyDenied { rule } => format!("策略不允许：{rule}"),
            Self::VaultLocked => "保险库已锁定".into(),
            Self::Unsupported { what } => format!("此服务器不提供{}", thing_zh(what)),
            Self::Internal { what } => format!("内部错误：{}", cut(what)),
        };
        let en = match self {
            Self::Timeout { phase, after } => format!("no answer within {} s during {}", seconds(*after), phase.words().0),
            Self::ConnectionLost { reason, lost_result: true } => {
                format!("the connection was lost ({}), and the result with it: the operation may have been carried out", cut(reason))
            }
            Self::ConnectionLost { reason, .. } => format!("the connection was lost: {}", cut(reason)),
            Self::ProtocolViolation { rule } => format!("the server broke the protocol: {}", cut(rule)),
            Self::HttpStatus { status, body } => format!("HTTP {status}: {}", cut(body)),
            Self::Rpc { code, message, .. } => format!("the server answered with error {code}: {}", cut(message)),
            Self::AuthFailed { reason } => format!("the server refused the credentials: {}", cut(reason)),
            Self::SchemaInvalid { path, reason } => format!("the arguments do not fit: {path}: {}", cut(reason)),
            Self::ResultInvalid { reason } => format!("the result does not fit the tool's output schema: {}", cut(reason)),
            Self::ToolDefinitionRejected { tool, reason } => {
                format!("the definition of {} cannot be used: {}", cut(tool), cut(reason))
            }
            Self::NoSuch { what, name } => format!("there is no {what} named \"{}\"", cut(name)),
            other => other.to_string(),
        };
        Text::new(en, zh)
    }

    /// What can be done about it, in both languages.
    pub fn hint(&self) -> Text {
        let (en, zh) = match self {
            Self::Settings { field, .. } => {
                return Text::new(format!("correct \"{field}\" in the server's settings"), format!("请在服务器设置中更正“{field}”"));
            }
            Self::SpawnFailed { program, .. } => {
                return Text::new(
                    format!(
                        "check that \"{program}\" is installed and can be executed, or give its full path; `pilot doctor` shows the PATH that is used"
                    ),
                    format!("请确认已安装“{program}”且可执行，或填写完整路径；`pilot doctor` 会显示所用的 PATH"),
                );
            }
            Self::ConsentRequired { .. } => (
                "look at exactly what would be started or reached, then accept the server (Servers page, or `pilot servers test`)",
                "请先查看将要启动或访问的确切内容，然后接受该服务器（“服务器”页面，或 `pilot servers test`）",
            ),
            Self::Timeout { phase: Phase::Connect | Phase::Handshake, .. } => (
                "check that the server runs and that address and protocol fit; a slow first start may need a higher `start_timeout`",
                "请确认服务器正在运行，且地址与协议正确；首次启动较慢时可调高 `start_timeout`",
            ),
            Self::Timeout { phase: Phase::Idle, .. } => (
                "the operation may still be going on there; look before running it again, or give it more time (`timeout` in the settings, `--timeout`)",
                "该操作可能仍在对方继续执行；重试前请先确认，或给予更多时间（设置中的 `timeout`，或 `--timeout`）",
            ),
            Self::Timeout { phase: Phase::Total, .. } => (
                "no call may take longer than ten minutes; split the work, and look at what was done before running it again",
                "单次调用不能超过十分钟；请拆分任务，并在重试前确认已完成的部分",
            ),
            Self::Timeout { phase: Phase::Health, .. } => (
                "the server is slow or stuck; calls are still tried, and it is reconnected when this goes on",
                "服务器响应缓慢或无响应；调用仍会尝试，若持续如此将重新连接",
            ),
            Self::Timeout { phase: Phase::Close, .. } => {
                ("the connection was cut without waiting any longer; nothing needs to be done", "已不再等待并直接断开连接；无需处理")
            }
            Self::Cancelled => {
                ("what was already done there stays done; look before running it again", "对方已完成的部分不会撤销；重试前请先确认")
            }
            Self::ServerExited { .. } => (
                "read the program's last words in the server's log (stderr), correct the cause, and connect again",
                "请在服务器日志（stderr）中查看程序最后的输出，排除原因后重新连接",
            ),
            Self::Unreachable { .. } => (
                "check address, port, VPN and proxy, and that the server runs; `pilot doctor` tries each step",
                "请检查地址、端口、VPN 和代理，并确认服务器正在运行；`pilot doctor` 会逐步检测",
            ),
            Self::ConnectionLost { lost_result: true, .. } => (
                "check whether it was carried out before running it again; it was not repeated by itself",
                "请先确认该操作是否已经执行，再决定是否重试；系统没有自动重试",
            ),
            Self::ConnectionLost { .. } => ("it is reconnected by itself; try again in a moment", "系统会自动重新连接；请稍后重试"),
            Self::ProtocolViolation { .. } => (
                "check that address and protocol fit this server; if they do, report it to the server's makers with the wire log",
                "请确认地址与协议适用于此服务器；若无误，请附上通信日志向服务器的开发者反馈",
            ),
            Self::MessageTooLarge { .. } => {
                ("ask for less at once: a filter, a page, a smaller limit", "请缩小单次请求的范围：使用过滤、分页或更小的数量")
            }
            Self::InvalidUtf8 { .. } | Self::InvalidJson { .. } => (
                "the server must send JSON in UTF-8; look at the wire log to see what it sent",
                "服务器必须发送 UTF-8 编码的 JSON；可在通信日志中查看其实际内容",
            ),
            Self::UnsupportedVersion { .. } => (
                "update the server or Pilothouse, or set `era` to the one that the server speaks",
                "请升级服务器或 Pilothouse，或将 `era` 设置为服务器所用的版本",
            ),
            Self::AuthRequired { .. } => {
                ("give credentials in the server's settings (`auth_type`), or sign in", "请在服务器设置中填写凭据（`auth_type`），或登录")
            }
            Self::AuthFailed { .. } => (
                "check that the token or password is current and meant for this server, then connect again",
                "请确认令牌或密码有效且适用于此服务器，然后重新连接",
            ),
            Self::TlsFailed { .. } => (
                "check the certificate's name and dates; for an own authority, give its certificate as `tls.ca_file`",
                "请检查证书的名称与有效期；若使用自建 CA，请将其证书填入 `tls.ca_file`",
            ),
            Self::RedirectRefused { .. } => {
                ("if the new address is right, put it into the server's settings", "若新地址正确，请将其填入服务器设置")
            }
            Self::AddressRefused { .. } => (
                "use an address that a server of this kind may have; internal addresses are refused where a remote server names them",
                "请使用允许的地址；由远程服务器给出的内部地址会被拒绝",
            ),
            Self::DecompressionLimit { .. } => (
                "ask for less at once; if the answer should be small, do not trust this server",
                "请缩小请求范围；若应答本应很小，请勿信任此服务器",
            ),
            Self::RateLimited { .. } => (
                "wait that long and try again; the server's own limit is `requests_per_minute` in its settings",
                "请等待后重试；本地限制为该服务器设置中的 `requests_per_minute`",
            ),
            Self::HttpStatus { status, .. } if *status >= 500 => {
                ("the server has a problem of its own; look at its log, or try again later", "服务器自身出现问题；请查看其日志，或稍后重试")
            }
            Self::HttpStatus { .. } => {
                ("check path, protocol and credentials in the server's settings", "请检查服务器设置中的路径、协议和凭据")
            }
            Self::Rpc { .. } => {
                ("the message is the server's own; check the arguments against what it says", "该消息由服务器给出；请据此检查参数")
            }
            Self::ToolDefinitionRejected { .. } => (
                "the server's other tools can be used; report this one to the server's makers",
                "该服务器的其他工具仍可使用；请将此问题反馈给服务器的开发者",
            ),
            Self::ToolChanged { .. } => {
                ("look at what changed on the Tools page, and accept it if it is right", "请在“工具”页面查看变更内容，确认无误后接受")
            }
            Self::NoSuch { what, .. } => {
                return Text::new(
                    format!("list what the server offers; the {what} may have been renamed or switched off in the settings"),
                    format!("请查看服务器提供的列表；该{}可能已改名，或已在设置中停用", thing_zh(what)),
                );
            }
            Self::SchemaInvalid { .. } => (
                "correct the argument; `pilot describe` and the form show what the tool wants. Nothing was sent",
                "请更正参数；`pilot describe` 和表单会说明工具的要求。尚未发送任何内容",
            ),
            Self::ResultInvalid { .. } => {
                ("the answer is shown as it came; do not rely on its structure", "应答按原样显示；请勿依赖其结构")
            }
            Self::ResourceLimit { .. } => {
                ("ask for less at once, or wait until running calls have ended", "请缩小请求范围，或等待正在运行的调用结束")
            }
            Self::PolicyDenied { .. } => (
                "if this should be allowed, change the rule (Settings, or `pilot policy`); in a script, `--approve-once` agrees to one call that would be asked about",
                "如应允许，请修改规则（“设置”页面或 `pilot policy`）；在脚本中，`--approve-once` 表示同意一次需要询问的调用",
            ),
            Self::VaultLocked => ("unlock the vault and try again", "请解锁保险库后重试"),
            Self::Unsupported { .. } => (
                "see the server's abilities on its page; another server may offer it",
                "可在服务器页面查看其能力；其他服务器可能提供此功能",
            ),
            Self::Internal { .. } => (
                "this is a defect of Pilothouse: please report it with the reference and the log",
                "这是 Pilothouse 的缺陷：请附上引用编号和日志进行反馈",
            ),
        };
        Text::new(en, zh)
    }

    /// The facts, as fields that a door can fill its own words with. Free text of the peer stands under `reason`.
    pub fn facts(&self) -> Json {
        match self {
            Self::Settings { field, reason } => json!({ "field": field, "reason": reason }),
            Self::SpawnFailed { program, reason } => json!({ "program": program, "reason": reason }),
            Self::ConsentRequired { what } => json!({ "what": what }),
            Self::Timeout { phase, after } => json!({ "phase": phase.name(), "afterSecs": after.as_secs_f64() }),
            Self::Cancelled | Self::VaultLocked => json!({}),
            Self::ServerExited { how, stderr_tail } => json!({ "how": how, "stderrTail": stderr_tail }),
            Self::Unreachable { peer, reason } => json!({ "peer": peer, "reason": reason }),
            Self::ConnectionLost { reason, lost_result } => json!({ "reason": reason, "lostResult": lost_result }),
            Self::ProtocolViolation { rule } => json!({ "rule": rule }),
            Self::MessageTooLarge { limit } | Self::DecompressionLimit { limit } => json!({ "limit": limit }),
            Self::InvalidUtf8 { offset } => json!({ "offset": offset }),
            Self::InvalidJson { offset, reason } => json!({ "offset": offset, "reason": reason }),
            Self::UnsupportedVersion { offered, ours } => json!({ "offered": offered, "ours": ours }),
            Self::AuthRequired { scheme } => json!({ "scheme": scheme }),
            Self::AuthFailed { reason } | Self::TlsFailed { reason } | Self::ResultInvalid { reason } => json!({ "reason": reason }),
            Self::RedirectRefused { to, reason } => json!({ "to": to, "reason": reason }),
            Self::AddressRefused { address, reason } => json!({ "address": address, "reason": reason }),
            Self::RateLimited { retry_after } => json!({ "retryAfterSecs": retry_after.as_secs_f64() }),
            Self::HttpStatus { status, body } => json!({ "status": status, "reason": body }),
            Self::Rpc { code, message, data } => json!({ "rpcCode": code, "reason": message, "data": data }),
            Self::ToolDefinitionRejected { tool, reason } => json!({ "tool": tool, "reason": reason }),
            Self::ToolChanged { tool } => json!({ "tool": tool }),
            Self::NoSuch { what, name } => json!({ "what": what, "name": name }),
            Self::SchemaInvalid { path, reason } => json!({ "path": path, "reason": reason }),
            Self::ResourceLimit { what, limit } => json!({ "what": what, "limit": limit }),
            Self::PolicyDenied { rule } => json!({ "rule": rule }),
            Self::Unsupported { what } => json!({ "what": what }),
            Self::Internal { what } => json!({ "what": what }),
        }
    }

    /// The fault as every door shows it. `attempted` is a verb phrase (`call "get-pods"`, `调用“get-pods”`); `server` is the server's
    /// name, or empty.
    pub fn to_fault(&self, attempted: &Text, server: &str) -> Fault {
        let why = self.words();
        let message = if server.is_empty() {
            Text::new(format!("could not {}: {}", attempted.en, why.en), format!("无法{}：{}", attempted.zh, why.zh))
        } else {
            Text::new(
                format!("could not {} on \"{server}\": {}", attempted.en, why.en),
                format!("无法在“{server}”上{}：{}", attempted.zh, why.zh),
            )
        };
        let mut params = self.facts();
        if let (Some(params), false) = (params.as_object_mut(), server.is_empty()) {
            params.insert("server".to_owned(), server.into());
        }
        Fault::new(self.kind(), self.code(), message, self.hint()).with_params(params)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// One of each. A new variant does not compile in `facts`, and then is added here: the test below counts codes.
    fn every() -> Vec<ServerFault> {
        let reason = || "why it is so".to_owned();
        let mut all = vec![
            ServerFault::Settings { field: "host".into(), reason: reason() },
            ServerFault::SpawnFailed { program: "npx".into(), reason: reason() },
            ServerFault::ConsentRequired { what: "npx -y thing".into() },
            ServerFault::Cancelled,
            ServerFault::ServerExited { how: "exit 1".into(), stderr_tail: "boom".into() },
            ServerFault::Unreachable { peer: "127.0.0.1:1".into(), reason: reason() },
            ServerFault::ConnectionLost { reason: reason(), lost_result: true },
            ServerFault::ConnectionLost { reason: reason(), lost_result: false },
            ServerFault::ProtocolViolation { rule: reason() },
            ServerFault::MessageTooLarge { limit: 16_777_216 },
            ServerFault::InvalidUtf8 { offset: 7 },
            ServerFault::InvalidJson { offset: 7, reason: reason() },
            ServerFault::UnsupportedVersion { offered: "1999-01-01".into(), ours: "2025-11-25".into() },
            ServerFault::AuthRequired { scheme: String::new() },
            ServerFault::AuthRequired { scheme: "Bearer".into() },
            ServerFault::AuthFailed { reason: reason() },
            ServerFault::TlsFailed { reason: reason() },
            ServerFault::RedirectRefused { to: "https://other.test".into(), reason: reason() },
            ServerFault::AddressRefused { address: "169.254.169.254".into(), reason: reason() },
            ServerFault::DecompressionLimit { limit: 16_777_216 },
            ServerFault::RateLimited { retry_after: Duration::from_millis(1500) },
            ServerFault::HttpStatus { status: 404, body: "not here".into() },
            ServerFault::HttpStatus { status: 503, body: "busy".into() },
            ServerFault::Rpc { code: -32602, message: reason(), data: Json::Null },
            ServerFault::ToolDefinitionRejected { tool: "t".into(), reason: reason() },
            ServerFault::ToolChanged { tool: "t".into() },
            ServerFault::NoSuch { what: "tool", name: "t".into() },
            ServerFault::SchemaInvalid { path: "/replicas".into(), reason: reason() },
            ServerFault::ResultInvalid { reason: reason() },
            ServerFault::ResourceLimit { what: "tools".into(), limit: 512 },
            ServerFault::PolicyDenied { rule: "default:cli/high".into() },
            ServerFault::VaultLocked,
            ServerFault::Unsupported { what: "resources" },
            ServerFault::Internal { what: reason() },
        ];
        for phase in [Phase::Connect, Phase::Handshake, Phase::Idle, Phase::Total, Phase::Health, Phase::Close] {
            all.push(ServerFault::Timeout { phase, after: Duration::from_secs(30) });
        }
        all
    }

    #[test]
    fn every_fault_says_server_attempt_reason_and_next_step_in_both_languages() {
        let attempted = Text::new("call \"get-pods\"", "调用“get-pods”");
        let mut codes = std::collections::BTreeSet::new();
        for fault in every() {
            let shown = fault.to_fault(&attempted, "staging");
            codes.insert(shown.code.clone());
            assert!(shown.message.en.starts_with("could not call \"get-pods\" on \"staging\": "), "{}", shown.message.en);
            assert!(shown.message.zh.starts_with("无法在“staging”上调用“get-pods”："), "{}", shown.message.zh);
            assert_eq!(shown.params["server"], "staging");
            assert!(shown.hint.en.len() > 10 && !shown.hint.zh.is_empty(), "{}: a next step is missing", shown.code);
            assert!(
                shown.hint.zh.chars().any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c)),
                "{}: the Chinese hint is not Chinese",
                shown.code
            );
            let why = fault.words();
            assert!(why.zh.chars().any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c)) || shown.code == "http_status", "{}", why.zh);
            assert_eq!(shown.kind, fault.kind());
        }
        assert_eq!(codes.len(), 33, "each code has its words: {codes:?}");
    }

    #[test]
    fn limits_and_phases_are_facts_and_not_only_words() {
        let fault = |fault: ServerFault| fault.to_fault(&Text::same("x"), "s");
        assert_eq!(fault(ServerFault::MessageTooLarge { limit: 9 }).params["limit"], 9);
        let late = fault(ServerFault::Timeout { phase: Phase::Handshake, after: Duration::from_secs(30) });
        assert_eq!(late.params["phase"], "handshake");
        assert!(late.message.en.contains("30 s") && late.message.en.contains("handshake"), "{}", late.message.en);
        assert_eq!(fault(ServerFault::RateLimited { retry_after: Duration::from_secs(2) }).params["retryAfterSecs"], 2.0);
    }

    #[test]
    fn a_peer_that_talks_for_ever_is_quoted_briefly() {
        let long = "é".repeat(100_000);
        for fault in [
            ServerFault::Rpc { code: 1, message: long.clone(), data: Json::Null },
            ServerFault::HttpStatus { status: 500, body: long.clone() },
            ServerFault::ProtocolViolation { rule: long.clone() },
        ] {
            let words = fault.words();
            assert!(words.en.chars().count() < 400 && words.zh.chars().count() < 400, "{}", fault.code());
        }
    }
}
