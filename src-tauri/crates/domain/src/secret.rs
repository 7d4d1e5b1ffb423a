//! Text that must not be seen.
//!
//! **Invariant:** `Secret` has no `Serialize` and no `Display`; its `Debug` prints `[secret]`.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use async_trait::async_trait;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer};
use zeroize::Zeroizing;

use crate::JsonMap;
use crate::fault::Fault;
use crate::id::SecretId;

/// A secret's text in memory, wiped when dropped. Settings hold a *reference* (`${NAME}` or a vault id); this is what the
/// reference resolves to at connect time, and its schema says `format: "secret"` so that a form draws a password box.
#[derive(Clone, Default)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes the text over.
    pub fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    /// The text itself. Search for `expose(` to find every reader.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether there is no text.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::new)
    }
}

impl JsonSchema for Secret {
    fn schema_name() -> Cow<'static, str> {
        "Secret".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": "secret" })
    }
}

/// Values that may be secret under names that are not: headers, environment variables.
pub type SecretMap = BTreeMap<String, Secret>;

/// Replaces every live secret in a text, whatever form it takes.
pub trait Redact: Send + Sync + fmt::Debug {
    /// The text with each known secret replaced by `[secret]`.
    fn redact<'t>(&self, text: &'t str) -> Cow<'t, str>;
    /// From now on this value is a secret (in raw, percent, base64, hex and JSON-escaped form). Values under 4 bytes are passed over.
    fn learn(&self, secret: &Secret);
}

/// Turns references in settings into values, at connect time only.
#[async_trait]
pub trait Expand: Send + Sync + fmt::Debug {
    /// Replaces `${NAME}`, `${NAME:-default}` and `$$` in every string value, at any depth. An unset name without a default is a fault
    /// (`config`, code `unset_variable`) that names the variable and the field, never a value.
    /// For looking and checking: `${vault:ID}` becomes [`VEILED`].
    fn expand(&self, settings: &JsonMap) -> Result<JsonMap, Fault>;
    /// The same with the secrets of the vault, for connecting. All references are replaced in one pass: what a value holds is not expanded
    /// again. A fault names the field and whose secret it is.
    async fn open(&self, settings: &JsonMap) -> Result<JsonMap, Fault> {
        self.expand(settings)
    }
}

/// What stands in place of a secret where settings are only looked at.
pub const VEILED: &str = "[secret]";

/// The ids of the vault's secrets that a text refers to.
pub fn vault_references(text: &str) -> Vec<SecretId> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        let after = &rest[at + 1..];
        if let Some(after) = after.strip_prefix('$') {
            rest = after;
        } else if let Some((inside, after)) = after.strip_prefix('{').and_then(|inside| inside.split_once('}')) {
            found.extend(inside.strip_prefix("vault:").map(SecretId::from));
            rest = after;
        } else {
            rest = after;
        }
    }
    found
}

/// How settings refer to a secret of the vault.
pub fn vault_reference(id: &SecretId) -> String {
    format!("${{vault:{id}}}")
}

/// Redacts nothing: for tests, and before any secret is known.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoSecrets;

impl Redact for NoSecrets {
    fn redact<'t>(&self, text: &'t str) -> Cow<'t, str> {
        Cow::Borrowed(text)
    }

    fn learn(&self, _: &Secret) {}
}
