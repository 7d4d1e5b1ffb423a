//! `${NAME}`, `${NAME:-default}`, `${vault:ID}` and `$$` in settings, resolved at connect time.
//!
//! **Invariant:** a fault names the variable and the field, never a value; what a variable or a secret holds is not expanded again. Only
//! secrets of servers and those that a person named are opened here, whatever the settings refer to.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use domain::fault::{Fault, FaultKind};
use domain::id::SecretId;
use domain::secret::{Expand, Redact, Secret, VEILED, vault_references};
use domain::text::Text;
use domain::vault::Vault;
use domain::{Json, JsonMap};

type Lookup = dyn Fn(&str) -> Option<String> + Send + Sync;

/// Whose secrets settings may refer to. What clusters and sign-ins keep is not for settings.
const OWNERS: [&str; 2] = ["server", "person"];

/// Values of the vault by id.
type Opened = BTreeMap<SecretId, Secret>;

/// Expands references to environment variables and, when connecting, to secrets. The environment comes in as a function.
pub struct EnvExpand {
    lookup: Box<Lookup>,
    redact: Option<Arc<dyn Redact>>,
    vault: Option<Arc<dyn Vault>>,
}

impl EnvExpand {
    /// Looks names up with this function.
    pub fn new(lookup: impl Fn(&str) -> Option<String> + Send + Sync + 'static) -> Self {
        Self { lookup: Box::new(lookup), redact: None, vault: None }
    }

    /// Opens `${vault:ID}` out of this vault.
    #[must_use]
    pub fn opening(mut self, vault: Arc<dyn Vault>) -> Self {
        self.vault = Some(vault);
        self
    }

    /// Also tells the redactor each value whose variable is named like a secret, wherever in the settings it goes: into an argument of
    /// a program, say, where no schema calls it secret.
    #[must_use]
    pub fn teaching(mut self, redact: Arc<dyn Redact>) -> Self {
        self.redact = Some(redact);
        self
    }

    fn value(&self, value: &Json, path: &mut Path, opened: Option<&Opened>) -> Result<Json, Fault> {
        Ok(match value {
            Json::String(text) => Json::String(self.text(text, path, opened)?),
            Json::Array(items) => {
                let mut out = Vec::with_capacity(items.len());
                for (nth, item) in items.iter().enumerate() {
                    out.push(path.within(Step::Place(nth), |path| self.value(item, path, opened))?);
                }
                Json::Array(out)
            }
            Json::Object(map) => Json::Object(self.map(map, path, opened)?),
            other => other.clone(),
        })
    }

    fn map(&self, map: &JsonMap, path: &mut Path, opened: Option<&Opened>) -> Result<JsonMap, Fault> {
        let mut out = JsonMap::with_capacity(map.len());
        for (key, value) in map {
            let value = path.within(Step::Field(key.clone()), |path| self.value(value, path, opened))?;
            out.insert(key.clone(), value);
        }
        Ok(out)
    }

    fn text(&self, text: &str, path: &Path, opened: Option<&Opened>) -> Result<String, Fault> {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(at) = rest.find('$') {
            let (before, from) = rest.split_at(at);
            out.push_str(before);
            let after = &from[1..];
            if let Some(after) = after.strip_prefix('$') {
                out.push('$');
                rest = after;
            } else if let Some(inside) = after.strip_prefix('{') {
                let Some(end) = inside.find('}') else { return Err(malformed(path, "it has no closing brace", "没有右花括号")) };
                out.push_str(&self.reference(&inside[..end], path, opened)?);
                rest = &inside[end + 1..];
            } else {
                out.push('$');
                rest = after;
            }
        }
        out.push_str(rest);
        Ok(out)
    }

    fn reference(&self, inside: &str, path: &Path, opened: Option<&Opened>) -> Result<String, Fault> {
        if let Some(id) = inside.strip_prefix("vault:") {
            let id = SecretId::from(id);
            return match opened {
                None => Ok(VEILED.to_owned()),
                Some(opened) => match opened.get(&id) {
                    Some(value) => Ok(value.expose().to_owned()),
                    None => Err(in_field(domain::vault::faults::missing(&id, None), path)),
                },
            };
        }
        let (name, default) = match inside.split_once(":-") {
            Some((name, default)) => (name, Some(default)),
            None => (inside, None),
        };
        if !is_name(name) {
            return Err(malformed(path, "what stands between the braces is no variable name", "花括号内不是变量名"));
        }
        let found = (self.lookup)(name);
        if let Some(value) = &found
            && let Some(redact) = &self.redact
            && sounds_secret(name)
        {
            redact.learn(&Secret::new(value.as_str()));
        }
        match (found, default) {
            (Some(value), None) => Ok(value),
            // As in a shell, `:-` also stands in for an empty value.
            (Some(value), Some(_)) if !value.is_empty() => Ok(value),
            (_, Some(default)) => Ok(default.to_owned()),
            (None, None) => Err(unset(name, path)),
        }
    }
}

#[async_trait]
impl Expand for EnvExpand {
    fn expand(&self, settings: &JsonMap) -> Result<JsonMap, Fault> {
        self.map(settings, &mut Path::default(), None)
    }

    async fn open(&self, settings: &JsonMap) -> Result<JsonMap, Fault> {
        let mut wanted = Vec::new();
        references(&Json::Object(settings.clone()), &mut Path::default(), &mut wanted);
        let mut opened = Opened::new();
        if !wanted.is_empty() {
            let Some(vault) = &self.vault else { return Err(domain::vault::faults::absent("this run has no vault")) };
            let owners: BTreeMap<SecretId, _> = vault.list().await?.into_iter().map(|facts| (facts.id, facts.owner)).collect();
            for (id, field) in wanted {
                let owner = owners.get(&id);
                if opened.contains_key(&id) {
                    continue;
                }
                if owner.is_none_or(|owner| !OWNERS.contains(&owner.kind.as_str())) {
                    return Err(of_field(domain::vault::faults::missing(&id, None), &field, None));
                }
                let value = vault.open(&id).await.map_err(|fault| of_field(fault, &field, owner))?;
                let text = value.to_secret().ok_or_else(|| of_field(no_text(&field), &field, owner))?;
                if let Some(redact) = &self.redact {
                    redact.learn(&text);
                }
                opened.insert(id, text);
            }
        }
        self.map(settings, &mut Path::default(), Some(&opened))
    }
}

/// Every secret that is referred to, and in which field.
fn references(value: &Json, path: &mut Path, found: &mut Vec<(SecretId, String)>) {
    match value {
        Json::String(text) => found.extend(vault_references(text).into_iter().map(|id| (id, path.to_string()))),
        Json::Array(items) => {
            for (nth, item) in items.iter().enumerate() {
                path.within(Step::Place(nth), |path| references(item, path, found));
            }
        }
        Json::Object(map) => {
            for (key, value) in map {
                path.within(Step::Field(key.clone()), |path| references(value, path, found));
            }
        }
        _ => {}
    }
}

fn in_field(fault: Fault, path: &Path) -> Fault {
    of_field(fault, &path.to_string(), None)
}

/// The fault with the field that wanted the secret, and whose it is.
fn of_field(mut fault: Fault, field: &str, owner: Option<&domain::vault::Owner>) -> Fault {
    let whose = owner.map(|owner| format!(" ({} {})", owner.kind, owner.id)).unwrap_or_default();
    fault.message = Text::new(
        format!("the setting {field} refers to a secret{whose}: {}", fault.message.en),
        format!("设置 {field} 引用了机密{whose}：{}", fault.message.zh),
    );
    if !fault.params.is_object() {
        fault.params = serde_json::json!({});
    }
    if let Some(params) = fault.params.as_object_mut() {
        params.insert("field".into(), field.into());
        params.insert("owner".into(), serde_json::json!(owner));
    }
    fault
}

fn no_text(field: &str) -> Fault {
    Fault::new(
        FaultKind::Config,
        "secret_no_text",
        Text::new(format!("the secret of {field} is no text"), format!("{field} 的机密不是文本")),
        Text::new("enter it again: `pilot secret set`", "请重新输入：`pilot secret set`"),
    )
}

impl fmt::Debug for EnvExpand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EnvExpand")
    }
}

fn is_name(name: &str) -> bool {
    let mut letters = name.chars();
    letters.next().is_some_and(|first| first.is_ascii_alphabetic() || first == '_')
        && letters.all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
}

/// Whether people give such a name to something that must not be seen.
fn sounds_secret(name: &str) -> bool {
    const WORDS: [&str; 12] =
        ["TOKEN", "SECRET", "PASSWORD", "PASSWD", "PASSPHRASE", "APIKEY", "KEY", "PAT", "PWD", "CREDENTIAL", "CREDENTIALS", "AUTH"];
    let name = name.to_ascii_uppercase();
    // `PWD` alone is where the shell stands.
    name != "PWD"
        && name != "OLDPWD"
        && name.split('_').any(|part| WORDS.iter().any(|word| part == *word || (word.len() > 4 && part.ends_with(word))))
}

fn unset(name: &str, path: &Path) -> Fault {
    let field = path.to_string();
    Fault::new(
        FaultKind::Config,
        "unset_variable",
        Text::new(
            format!("the setting {field} refers to the environment variable {name}, which is not set"),
            format!("设置 {field} 引用了环境变量 {name}，但该变量未设置"),
        ),
        Text::new(
            format!("Set {name} before Pilothouse starts, or give a default: ${{{name}:-…}}."),
            format!("请在启动 Pilothouse 之前设置 {name}，或提供默认值：${{{name}:-…}}。"),
        ),
    )
    .with_params(serde_json::json!({ "variable": name, "field": field }))
}

fn malformed(path: &Path, why: &str, why_zh: &str) -> Fault {
    let field = path.to_string();
    Fault::new(
        FaultKind::Config,
        "bad_reference",
        Text::new(
            format!("the setting {field} contains a ${{…}} that cannot be read: {why}"),
            format!("设置 {field} 中的 ${{…}} 无法解析：{why_zh}"),
        ),
        Text::new(
            "Write ${NAME} or ${NAME:-default}; a dollar sign that stands for itself before a brace is written $$.",
            "请写成 ${NAME} 或 ${NAME:-默认值}；若花括号前的美元符号表示其本身，请写成 $$。",
        ),
    )
    .with_params(serde_json::json!({ "field": field }))
}

/// Where in the settings a value stands.
#[derive(Default)]
struct Path(Vec<Step>);

enum Step {
    Field(String),
    Place(usize),
}

impl Path {
    fn within<T>(&mut self, step: Step, work: impl FnOnce(&mut Self) -> T) -> T {
        self.0.push(step);
        let done = work(self);
        self.0.pop();
        done
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (nth, step) in self.0.iter().enumerate() {
            match step {
                Step::Field(name) if nth == 0 => f.write_str(name)?,
                Step::Field(name) => write!(f, ".{name}")?,
                Step::Place(place) => write!(f, "[{place}]")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::Redactor;

    fn expand() -> EnvExpand {
        EnvExpand::new(|name| match name {
            "HOST" => Some("example.org".into()),
            "EMPTY" => Some(String::new()),
            "TRICKY" => Some("${HOST} $$ }".into()),
            "API_TOKEN" => Some("t0ps3cret-value".into()),
            _ => None,
        })
    }

    fn one(text: &str) -> Result<String, Fault> {
        let settings = json!({ "x": text });
        let done = expand().expand(settings.as_object().unwrap())?;
        Ok(done["x"].as_str().unwrap().to_owned())
    }

    #[test]
    fn references_are_replaced_and_everything_else_stays() {
        for (text, wanted) in [
            ("", ""),
            ("plain", "plain"),
            ("${HOST}", "example.org"),
            ("https://${HOST}:8080/${EMPTY}/x", "https://example.org:8080//x"),
            ("${MISSING:-default}", "default"),
            ("${MISSING:-}", ""),
            ("${MISSING:-a:-b $ c}", "a:-b $ c"),
            ("${EMPTY:-default}", "default"),
            ("${HOST:-default}", "example.org"),
            ("$$", "$"),
            ("$${HOST}", "${HOST}"),
            ("$$${HOST}", "$example.org"),
            ("$", "$"),
            ("costs 5$", "costs 5$"),
            ("$HOST", "$HOST"),
            ("${TRICKY}", "${HOST} $$ }"),
            ("密码${HOST}密", "密码example.org密"),
        ] {
            assert_eq!(one(text).as_deref(), Ok(wanted), "{text}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_refused() {
        for text in ["${", "${HOST", "${}", "${1ST}", "${A B}", "${input:token}", "${:-x}"] {
            assert_eq!(one(text).unwrap_err().code, "bad_reference", "{text}");
        }
    }

    #[test]
    fn an_unset_variable_is_named_with_its_field_at_any_depth() {
        let settings = json!({ "args": ["a", { "deep": ["${HOST}", "x ${NOT_SET} y"] }], "n": 1, "b": true, "z": null });
        let fault = expand().expand(settings.as_object().unwrap()).unwrap_err();
        assert_eq!((fault.kind, fault.code.as_str()), (FaultKind::Config, "unset_variable"));
        assert_eq!(fault.params, json!({ "variable": "NOT_SET", "field": "args[1].deep[1]" }));
        assert!(fault.message.en.contains("NOT_SET") && fault.message.zh.contains("NOT_SET"));
    }

    #[test]
    fn keys_and_other_values_stay_as_they_are_and_in_order() {
        let settings = json!({ "${HOST}": 1, "b": [true, null, 2.5], "a": {} });
        let done = expand().expand(settings.as_object().unwrap()).unwrap();
        assert_eq!(Json::Object(done).to_string(), settings.to_string());
    }

    #[test]
    fn what_is_named_like_a_secret_is_redacted_wherever_it_goes() {
        let redactor = Arc::new(Redactor::default());
        let expand = expand().teaching(redactor.clone());
        let settings = json!({ "args": ["--host", "${HOST}", "--token=${API_TOKEN}"] });
        expand.expand(settings.as_object().unwrap()).unwrap();
        assert_eq!(redactor.redact("t0ps3cret-value at example.org"), "[secret] at example.org");
        for (name, secret) in [
            ("GITHUB_TOKEN", true),
            ("MYAPIKEY", true),
            ("db_password", true),
            ("PWD", false),
            ("PATH", false),
            ("MONKEY", false),
            ("HOME", false),
        ] {
            assert_eq!(sounds_secret(name), secret, "{name}");
        }
    }
}
