//! The person at the terminal: questions on stderr, answers from the keyboard.
//!
//! **Invariant:** what a server says is labelled as the server's and shown without what could play tricks on the terminal; only `y` and
//! `yes` mean yes.

use std::io::BufRead as _;

use app::start;
use async_trait::async_trait;
use domain::person::{Answer, Matter, Person, Question, Scope};
use domain::tool::Risk;
use domain::{Json, JsonMap};
use serde_json::json;
use tokio::sync::Mutex;

use crate::out::Out;
use crate::words::{tame, tame_line};

/// Asks one question after the other.
#[derive(Debug)]
pub(crate) struct Terminal {
    out: Out,
    /// One question at a time, however many calls run.
    turn: Mutex<()>,
}

impl Terminal {
    pub(crate) fn new(out: Out) -> Self {
        Self { out, turn: Mutex::new(()) }
    }
}

#[async_trait]
impl Person for Terminal {
    async fn ask(&self, question: Question) -> Answer {
        let _turn = self.turn.lock().await;
        let patience = u64::try_from(question.expires_at.since(question.asked_at)).unwrap_or(0);
        let out = self.out.clone();
        // Typing blocks a thread; when the question expires the thread is left to its read.
        let typed = tokio::task::spawn_blocking(move || Asking { out: &out }.answer(&question));
        match tokio::time::timeout(std::time::Duration::from_millis(patience), typed).await {
            Ok(Ok(answer)) => answer,
            _ => {
                self.out.tell("");
                Answer::Nobody
            }
        }
    }
}

struct Asking<'o> {
    out: &'o Out,
}

impl Asking<'_> {
    fn say(&self, words: &str) {
        self.out.tell(words);
    }

    fn word<'w>(&self, en: &'w str, zh: &'w str) -> &'w str {
        self.out.word(en, zh)
    }

    /// A typed line; none at the end of the input.
    fn typed(&self, prompt: &str) -> Option<String> {
        self.out.tell_part(&tame(prompt));
        let mut line = String::new();
        match std::io::stdin().lock().read_line(&mut line) {
            Ok(1..) => Some(line.trim_end_matches(['\n', '\r']).to_owned()),
            _ => None,
        }
    }

    fn agrees(&self, prompt: &str) -> Option<bool> {
        let line = self.typed(&format!("{prompt} [y/N] "))?;
        Some(matches!(line.trim().to_ascii_lowercase().as_str(), "y" | "yes" | "是"))
    }

    fn answer(&self, question: &Question) -> Answer {
        let server = tame_line(&question.server_name);
        match &question.matter {
            Matter::Call { tool, risk, args, rule, preview, .. } => {
                self.say(&format!(
                    "\n{} {server} / {} ({})",
                    self.word("May this call run?", "允许执行此调用吗？"),
                    tame_line(tool.as_str()),
                    risk_word(*risk)
                ));
                self.say(&indented(&pretty(args)));
                if let Some(preview) = preview {
                    self.say(&format!("  {}:", self.word("what it would change", "将会更改的内容")));
                    self.say(&indented(&tame(preview)));
                }
                self.say(&format!("  {}: {}", self.word("rule", "规则"), tame_line(rule)));
                self.decide_call(*risk)
            }
            Matter::Start { what, program, warnings } => {
                let asked = if program.is_some() {
                    self.word("May this program be started?", "允许启动此程序吗？")
                } else {
                    self.word("May this be used?", "允许使用吗？")
                };
                self.say(&format!("\n{asked} {server}:"));
                self.say(&indented(what));
                if let Some(program) = program {
                    let here = self.word("the folder that pilot was started in", "启动 pilot 时所在的目录");
                    self.say(&format!("  {}: {}", self.word("in", "目录"), program.cwd.as_deref().map_or_else(|| here.into(), tame_line)));
                    let names = if program.variables.is_empty() { "-".to_owned() } else { program.variables.join(", ") };
                    self.say(&format!("  {}: {}", self.word("with the variables", "变量"), tame_line(&names)));
                }
                for warning in warnings {
                    self.say(&format!("  ! {}", self.out.pick(warning)));
                }
                self.yes_or_no(Scope::Always)
            }
            Matter::ToolChanged { before, after } => {
                self.say(&format!(
                    "\n{} {server} / {}",
                    self.word("This tool changed since it was accepted:", "此工具自接受以来发生了变化："),
                    tame_line(after.name.as_str())
                ));
                for (mark, tool) in [("-", before), ("+", after)] {
                    self.say(&format!("{mark} {}", tame(&tool.description)));
                    self.say(&format!("{mark} {}", tool.input_schema));
                }
                self.yes_or_no(Scope::Always)
            }
            Matter::Form { message, schema } => self.form(&server, message, schema),
            Matter::Visit { message, url } => {
                self.say(&format!("\n{server}: {}", tame(message)));
                self.page(url)
            }
            Matter::SignIn { host, url } => {
                self.say(&format!("\n{server}: {} {}", self.word("sign in at", "请在此登录："), tame_line(host)));
                self.page(url)
            }
            Matter::Sample { request } => self.sample(&server, request),
            Matter::Credential { program, sha256, cluster_name, api_server, .. } => {
                self.say(&format!(
                    "\n{} {} ({})",
                    self.word("May this program have credentials of", "允许此程序获取该集群的凭据吗："),
                    tame_line(cluster_name),
                    tame_line(api_server)
                ));
                self.say(&indented(program));
                self.say(&format!("  SHA-256 {sha256}"));
                self.yes_or_no(Scope::Once)
            }
        }
    }

    fn decide_call(&self, risk: Risk) -> Answer {
        let prompt = if risk >= Risk::High {
            self.word("run it once? [y/N] ", "仅执行这一次？[y/N] ")
        } else {
            self.word(
                "run it? y once · s for this run of pilot · a always for this tool · N ",
                "执行吗？y 一次 · s 本次运行期间 · a 始终允许此工具 · N ",
            )
        };
        let Some(line) = self.typed(prompt) else { return Answer::Nobody };
        let wide = risk < Risk::High;
        match line.trim().to_ascii_lowercase().as_str() {
            "y" | "yes" | "是" => Answer::Yes { scope: Scope::Once },
            "s" if wide => Answer::Yes { scope: Scope::Session },
            "a" if wide => Answer::Yes { scope: Scope::Always },
            _ => Answer::No { reason: String::new() },
        }
    }

    fn yes_or_no(&self, scope: Scope) -> Answer {
        match self.agrees(self.word("agree?", "同意吗？")) {
            Some(true) => Answer::Yes { scope },
            Some(false) => Answer::No { reason: String::new() },
            None => Answer::Nobody,
        }
    }

    fn page(&self, url: &str) -> Answer {
        self.say(&indented(url));
        match self.agrees(self.word("open this page in the browser?", "在浏览器中打开此页面吗？")) {
            Some(true) => Answer::Yes { scope: Scope::Once },
            Some(false) => Answer::No { reason: String::new() },
            None => Answer::Nobody,
        }
    }

    fn form(&self, server: &str, message: &str, schema: &Json) -> Answer {
        self.say(&format!("\n{server} {}: {}", self.word("asks", "询问"), tame(message)));
        self.say(self.word(
            "  (the server will see the answers; never type a password here; an empty line skips, `!` declines)",
            "  （服务器会看到答复；请勿在此输入密码；空行跳过，`!` 拒绝）",
        ));
        let mut data = JsonMap::new();
        for (name, field) in schema.get("properties").and_then(Json::as_object).into_iter().flatten() {
            match self.field(name, field, is_required(schema, name)) {
                Field::Value(value) => {
                    data.insert(name.clone(), value);
                }
                Field::Skipped => {}
                Field::Declined => return Answer::No { reason: String::new() },
                Field::Gone => return Answer::Nobody,
            }
        }
        match self.agrees(self.word("send this?", "发送吗？")) {
            Some(true) => Answer::Data { data: Json::Object(data) },
            Some(false) => Answer::No { reason: String::new() },
            None => Answer::Nobody,
        }
    }

    fn field(&self, name: &str, schema: &Json, required: bool) -> Field {
        let text = |key: &str| schema.get(key).and_then(Json::as_str);
        let label = tame_line(text("title").unwrap_or(name));
        if let Some(about) = text("description") {
            self.say(&format!("  {}", tame_line(about)));
        }
        let choices = choices(schema);
        for (nth, (_, shown)) in choices.iter().enumerate() {
            self.say(&format!("    {}. {}", nth + 1, tame_line(shown)));
        }
        let default = schema.get("default").filter(|value| !value.is_null());
        let proposal =
            default.map_or_else(String::new, |value| format!(" ({})", value.as_str().map_or_else(|| value.to_string(), tame_line)));
        let mark = if required { " *" } else { "" };
        loop {
            let Some(line) = self.typed(&format!("  {label}{mark}{proposal}: ")) else { return Field::Gone };
            let line = line.trim();
            if line == "!" {
                return Field::Declined;
            }
            if line.is_empty() {
                match default {
                    Some(value) => return Field::Value(value.clone()),
                    None if !required => return Field::Skipped,
                    None => {
                        self.say(self.word("    this one is needed", "    此项必填"));
                        continue;
                    }
                }
            }
            match typed_value(line, schema, &choices) {
                Some(value) => return Field::Value(value),
                None => self.say(&format!("    {}", self.word("that does not fit", "不符合要求"))),
            }
        }
    }

    fn sample(&self, server: &str, request: &Json) -> Answer {
        self.say(&format!(
            "\n{server} {}",
            self.word(
                "asks for a model's answer; no model is connected, so write it or decline:",
                "请求模型回答；未连接模型，请亲自撰写或拒绝："
            )
        ));
        if let Some(system) = request.get("systemPrompt").and_then(Json::as_str) {
            self.say(&indented(system));
        }
        for message in request.get("messages").and_then(Json::as_array).into_iter().flatten() {
            let role = message.get("role").and_then(Json::as_str).unwrap_or("?");
            let content = message.get("content").map_or_else(String::new, |content| {
                content.get("text").and_then(Json::as_str).map_or_else(|| content.to_string(), str::to_owned)
            });
            self.say(&indented(&format!("{role}: {content}")));
        }
        match self.typed(self.word("answer (empty line declines): ", "回答（空行拒绝）：")) {
            Some(line) if !line.trim().is_empty() => Answer::Data {
                data: json!({ "role": "assistant", "content": { "type": "text", "text": line }, "model": "person", "stopReason": "endTurn" }),
            },
            Some(_) => Answer::No { reason: String::new() },
            None => Answer::Nobody,
        }
    }
}

enum Field {
    Value(Json),
    Skipped,
    Declined,
    Gone,
}

fn is_required(schema: &Json, name: &str) -> bool {
    schema.get("required").and_then(Json::as_array).is_some_and(|names| names.iter().any(|other| other == name))
}

/// What there is to choose from: value and what is shown, in the spellings of the protocol's revisions.
fn choices(schema: &Json) -> Vec<(Json, String)> {
    let source = schema.get("items").unwrap_or(schema);
    if let Some(values) = source.get("enum").and_then(Json::as_array) {
        let names = source.get("enumNames").and_then(Json::as_array);
        let shown = |nth: usize, value: &Json| {
            let name = names.and_then(|names| names.get(nth)).and_then(Json::as_str);
            name.map_or_else(|| value.as_str().map_or_else(|| value.to_string(), str::to_owned), str::to_owned)
        };
        return values.iter().enumerate().map(|(nth, value)| (value.clone(), shown(nth, value))).collect();
    }
    let options = source.get("oneOf").or_else(|| source.get("anyOf")).and_then(Json::as_array);
    options
        .into_iter()
        .flatten()
        .filter_map(|option| {
            let value = option.get("const")?.clone();
            let shown = option.get("title").and_then(Json::as_str).map_or_else(|| value.to_string(), str::to_owned);
            Some((value, shown))
        })
        .collect()
}

fn typed_value(line: &str, schema: &Json, choices: &[(Json, String)]) -> Option<Json> {
    let chosen = |word: &str| {
        let by_number = word.parse::<usize>().ok().and_then(|nth| choices.get(nth.checked_sub(1)?));
        let found = by_number.or_else(|| choices.iter().find(|(value, shown)| shown == word || value.as_str() == Some(word)));
        found.map(|(value, _)| value.clone())
    };
    let kind = schema.get("type").and_then(Json::as_str).unwrap_or("string");
    if kind == "array" {
        return line.split(',').map(|word| chosen(word.trim())).collect::<Option<Vec<_>>>().map(Json::Array);
    }
    if !choices.is_empty() {
        return chosen(line);
    }
    let within = |number: f64| {
        let limit = |key: &str| schema.get(key).and_then(Json::as_f64);
        limit("minimum").is_none_or(|least| number >= least) && limit("maximum").is_none_or(|most| number <= most)
    };
    match kind {
        "boolean" => match line.to_ascii_lowercase().as_str() {
            "y" | "yes" | "true" | "是" => Some(Json::Bool(true)),
            "n" | "no" | "false" | "否" => Some(Json::Bool(false)),
            _ => None,
        },
        #[expect(clippy::cast_precision_loss, reason = "compared with a limit only")]
        "integer" => line.parse::<i64>().ok().filter(|number| within(*number as f64)).map(Json::from),
        "number" => line.parse::<f64>().ok().filter(|number| number.is_finite() && within(*number)).map(Json::from),
        _ => {
            let length = line.chars().count() as u64;
            let limit = |key: &str| schema.get(key).and_then(Json::as_u64);
            let fits = limit("minLength").is_none_or(|least| length >= least) && limit("maxLength").is_none_or(|most| length <= most);
            fits.then(|| line.into())
        }
    }
}

fn risk_word(risk: Risk) -> &'static str {
    match risk {
        Risk::Safe => "safe",
        Risk::Low => "low",
        Risk::Medium => "medium",
        Risk::High => "high",
    }
}

fn pretty(value: &Json) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default()
}

fn indented(text: &str) -> String {
    tame(text).lines().map(|line| format!("    {line}")).collect::<Vec<_>>().join("\n")
}

/// One line for a program and its arguments, as a person reads it.
pub(crate) fn program_line(argv: &[String]) -> String {
    tame(&start::line(argv)).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typed_words_become_what_the_form_wants_or_nothing() {
        let pick = json!({ "type": "string", "enum": ["a", "b"], "enumNames": ["Apple", "Bean"] });
        let titled = json!({ "type": "array", "items": { "anyOf": [{ "const": "x", "title": "Ex" }, { "const": "y", "title": "Why" }] } });
        for (line, schema, expected) in [
            ("2", &pick, Some(json!("b"))),
            ("Apple", &pick, Some(json!("a"))),
            ("c", &pick, None),
            ("1, Why", &titled, Some(json!(["x", "y"]))),
            ("1,5", &titled, None),
            ("yes", &json!({ "type": "boolean" }), Some(json!(true))),
            ("maybe", &json!({ "type": "boolean" }), None),
            ("7", &json!({ "type": "integer", "maximum": 5 }), None),
            ("4", &json!({ "type": "integer", "maximum": 5 }), Some(json!(4))),
            ("4.5", &json!({ "type": "integer" }), None),
            ("4.5", &json!({ "type": "number" }), Some(json!(4.5))),
            ("NaN", &json!({ "type": "number" }), None),
            ("ab", &json!({ "type": "string", "minLength": 3 }), None),
        ] {
            assert_eq!(typed_value(line, schema, &choices(schema)), expected, "{line} {schema}");
        }
    }
}
