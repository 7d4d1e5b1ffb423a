//! Arguments of a cluster tool: one table says what a caller may give, and both the schema and the check come from it.

use domain::fault::ServerFault;
use domain::kube::Scope;
use domain::{Json, JsonMap};
use serde_json::json;

/// Of what sort an argument is.
#[derive(Debug, Clone, Copy)]
pub(super) enum Sort {
    /// A text that is not empty.
    Text,
    /// A whole number within bounds, and what counts when it is not given.
    Whole(i64, i64, i64),
    /// Yes or no, and what counts when it is not given.
    Flag(bool),
    /// A whole number within bounds; nothing counts when it is not given.
    Maybe(i64, i64),
    /// One of these words.
    OneOf(&'static [&'static str]),
    /// What this schema says. The desk checks all of it; here its type alone.
    Shape(fn() -> Json),
    /// A text that only the desk adds, and no caller sees.
    Hidden,
}

/// One argument.
#[derive(Debug, Clone, Copy)]
pub(super) struct Arg {
    pub(super) name: &'static str,
    /// Other spellings of the name.
    pub(super) also: &'static [&'static str],
    pub(super) sort: Sort,
    pub(super) must: bool,
    pub(super) about: &'static str,
}

/// An argument that may be left out.
pub(super) const fn may(name: &'static str, sort: Sort, about: &'static str) -> Arg {
    Arg { name, also: &[], sort, must: false, about }
}

/// A text that must be given.
pub(super) const fn must(name: &'static str, about: &'static str) -> Arg {
    Arg { name, also: &[], sort: Sort::Text, must: true, about }
}

impl Arg {
    /// The same, known by another name too.
    pub(super) const fn or(self, also: &'static [&'static str]) -> Self {
        Self { also, ..self }
    }

    fn schema(&self) -> Json {
        match self.sort {
            Sort::Text => json!({ "type": "string", "minLength": 1, "maxLength": 1024, "description": self.about }),
            Sort::Whole(min, max, usual) => {
                json!({ "type": "integer", "minimum": min, "maximum": max, "default": usual, "description": self.about })
            }
            Sort::Flag(usual) => json!({ "type": "boolean", "default": usual, "description": self.about }),
            Sort::Maybe(min, max) => json!({ "type": "integer", "minimum": min, "maximum": max, "description": self.about }),
            Sort::OneOf(words) => json!({ "type": "string", "enum": words, "description": self.about }),
            Sort::Shape(shape) => {
                let mut schema = shape();
                schema["description"] = self.about.into();
                schema
            }
            Sort::Hidden => json!({ "type": "string" }),
        }
    }

    fn check(&self, value: &Json) -> Result<(), String> {
        match self.sort {
            Sort::Text | Sort::Hidden => match value.as_str() {
                Some(text) if text.trim().is_empty() => Err("it is empty".into()),
                Some(text) if text.chars().count() > 1024 => Err("it is longer than 1024 characters".into()),
                Some(_) => Ok(()),
                None => Err("it is no text".into()),
            },
            Sort::Whole(min, max, _) | Sort::Maybe(min, max) => match value.as_i64() {
                Some(number) if (min..=max).contains(&number) => Ok(()),
                _ => Err(format!("it is no whole number from {min} to {max}")),
            },
            Sort::OneOf(words) => match value.as_str() {
                Some(word) if words.contains(&word) => Ok(()),
                _ => Err(format!("it is none of {}", words.join(", "))),
            },
            Sort::Shape(shape) => {
                let is = match value {
                    Json::Object(_) => "object",
                    Json::Array(_) => "array",
                    Json::String(_) => "string",
                    _ => "something else",
                };
                let wanted = shape()["type"].clone();
                let fits = wanted == is || wanted.as_array().is_some_and(|all| all.iter().any(|one| one == is));
                if fits { Ok(()) } else { Err(format!("it must be of the type {wanted}")) }
            }
            Sort::Flag(_) => value.as_bool().map(|_| ()).ok_or_else(|| "it is neither true nor false".into()),
        }
    }
}

/// The schema of a tool's arguments.
pub(super) fn schema(args: &[Arg]) -> Json {
    let mut properties = JsonMap::new();
    let mut required = Vec::new();
    for arg in args.iter().filter(|arg| !matches!(arg.sort, Sort::Hidden)) {
        properties.insert(arg.name.to_owned(), arg.schema());
        for also in arg.also {
            let mut schema = arg.schema();
            schema["description"] = format!("Another name of `{}`. `{}` 的另一名称。", arg.name, arg.name).into();
            if let Some(schema) = schema.as_object_mut() {
                schema.shift_remove("default");
            }
            properties.insert((*also).to_owned(), schema);
        }
        // Where there are two names, either is enough; that is checked when the tool runs.
        if arg.must && arg.also.is_empty() {
            required.push(arg.name);
        }
    }
    json!({ "type": "object", "properties": properties, "required": required, "additionalProperties": false })
}

/// Arguments that fit.
#[derive(Debug)]
pub(super) struct Args {
    given: JsonMap,
    table: &'static [Arg],
}

impl Args {
    /// Checks what a caller gave: each known, of its sort, once, and nothing missing. `null` is as good as absent.
    pub(super) fn fit(given: JsonMap, table: &'static [Arg]) -> Result<Self, ServerFault> {
        let wrong = |path: &str, reason: String| ServerFault::SchemaInvalid { path: path.to_owned(), reason };
        let mut fit = JsonMap::new();
        for (name, value) in given {
            let Some(arg) = table.iter().find(|arg| arg.name == name || arg.also.contains(&name.as_str())) else {
                return Err(wrong(&name, "there is no such argument".into()));
            };
            if value.is_null() {
                continue;
            }
            arg.check(&value).map_err(|reason| wrong(&name, reason))?;
            let before = fit.insert(arg.name.to_owned(), value.clone());
            if before.is_some_and(|before| before != value) {
                return Err(wrong(&name, format!("`{}` was given as well, and says otherwise", arg.name)));
            }
        }
        if let Some(missing) = table.iter().find(|arg| arg.must && !fit.contains_key(arg.name)) {
            return Err(wrong(missing.name, "it must be given".into()));
        }
        Ok(Self { given: fit, table })
    }

    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.given.get(name)?.as_str().map(str::trim)
    }

    /// A text that must be given, so that it is there.
    pub(super) fn must(&self, name: &str) -> &str {
        self.text(name).unwrap_or_default()
    }

    fn arg(&self, name: &str) -> Option<Sort> {
        self.table.iter().find(|arg| arg.name == name).map(|arg| arg.sort)
    }

    pub(super) fn whole(&self, name: &str) -> u64 {
        let usual = match self.arg(name) {
            Some(Sort::Whole(_, _, usual)) => usual,
            _ => 0,
        };
        self.given.get(name).and_then(Json::as_i64).unwrap_or(usual).try_into().unwrap_or(0)
    }

    /// A value that is no text, or may be none.
    pub(super) fn json(&self, name: &str) -> Option<&Json> {
        self.given.get(name)
    }

    /// A number that counts only when it is given.
    pub(super) fn maybe(&self, name: &str) -> Option<u64> {
        self.given.get(name)?.as_u64()
    }

    pub(super) fn flag(&self, name: &str) -> bool {
        let usual = matches!(self.arg(name), Some(Sort::Flag(true)));
        self.given.get(name).and_then(Json::as_bool).unwrap_or(usual)
    }

    /// Where: `all` is every namespace.
    pub(super) fn scope(&self) -> Option<Scope> {
        self.text("namespace").map(|named| if named == "all" { Scope::All } else { Scope::One(named.to_owned()) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &[Arg] = &[
        must("name", "n").or(&["deployment_name"]),
        may("lines", Sort::Whole(1, 1000, 100), "l").or(&["tail_lines"]),
        may("deep", Sort::Flag(true), "d"),
        may("namespace", Sort::Text, "ns"),
    ];

    fn fit(given: Json) -> Result<Args, ServerFault> {
        Args::fit(given.as_object().cloned().unwrap(), TABLE)
    }

    #[test]
    fn both_spellings_are_understood_and_everything_else_is_refused_by_name() {
        let args = fit(json!({ "deployment_name": "web", "tail_lines": 5, "namespace": "all" })).unwrap();
        assert_eq!((args.must("name"), args.whole("lines"), args.flag("deep"), args.scope()), ("web", 5, true, Some(Scope::All)));
        let args = fit(json!({ "name": "web", "deployment_name": "web", "lines": null, "deep": false })).unwrap();
        assert_eq!((args.whole("lines"), args.flag("deep"), args.scope()), (100, false, None));
        for (given, at) in [
            (json!({}), "name"),
            (json!({ "name": "" }), "name"),
            (json!({ "name": 3 }), "name"),
            (json!({ "name": "a", "deployment_name": "b" }), "deployment_name"),
            (json!({ "name": "a", "lines": 0 }), "lines"),
            (json!({ "name": "a", "lines": 1001 }), "lines"),
            (json!({ "name": "a", "tail_lines": "5" }), "tail_lines"),
            (json!({ "name": "a", "deep": 1 }), "deep"),
            (json!({ "name": "a", "nmespace": "x" }), "nmespace"),
        ] {
            match fit(given.clone()) {
                Err(ServerFault::SchemaInvalid { path, .. }) => assert_eq!(path, at, "{given}"),
                other => panic!("{given} gave {other:?}"),
            }
        }
    }

    #[test]
    fn the_schema_says_the_same() {
        let schema = schema(TABLE);
        assert_eq!(schema["additionalProperties"], false);
        assert_eq!(schema["properties"]["tail_lines"]["maximum"], 1000);
        assert_eq!(schema["properties"]["lines"]["default"], 100);
        assert_eq!(schema["required"], json!([]), "either of two names is enough");
    }
}
