//! Identifiers are types, so that two of them cannot be swapped. Cloning one copies no text.

use std::fmt;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

macro_rules! string_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        #[serde(transparent)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Takes the text as it stands.
            pub fn new(text: impl Into<Arc<str>>) -> Self {
                Self(text.into())
            }

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.into())
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self(text.into())
            }
        }
    };
}

string_id! {
    /// A saved server (a random id that outlives renames), or `one-off:…` for one that is not saved.
    ServerId
}
string_id! {
    /// A tool's name as its server spells it.
    ToolName
}
string_id! {
    /// One run of one tool; the client's handle for progress and Cancel.
    CallId
}
string_id! {
    /// The reference that a user can quote: eight hex digits, shared by a call's intent and its outcome.
    AuditId
}
string_id! {
    /// A question that waits for a person.
    QuestionId
}
string_id! {
    /// A protocol's id, such as `stream_http`.
    ProtocolId
}
string_id! {
    /// A secret in the vault. In settings it stands as `${vault:ID}`.
    SecretId
}
string_id! {
    /// A cluster that was imported (a random id that outlives renames).
    ClusterId
}

/// A moment in milliseconds since the Unix epoch. Times come in as values; nothing here reads a clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Default)]
#[serde(transparent)]
pub struct Millis(pub i64);

impl Millis {
    /// How long after `earlier` this moment is; negative when it is before.
    pub fn since(self, earlier: Self) -> i64 {
        self.0 - earlier.0
    }
}

/// Where the time comes from, so that tests can stop it.
pub trait Clock: Send + Sync + fmt::Debug {
    /// Now.
    fn now(&self) -> Millis;
}
