//! What the protocols say of themselves, as far as an import needs it: names, fields, and a check without any I/O.

use std::sync::Arc;

use domain::JsonMap;
use domain::fault::{Fault, ServerFault};
use domain::id::ProtocolId;
use domain::protocol::{Protocol, ProtocolInfo};
use domain::secret::Expand;

use super::plain;

/// The registered protocols and the variables of this machine.
pub struct Shapes {
    known: Vec<(ProtocolInfo, Arc<dyn Protocol>)>,
    expand: Arc<dyn Expand>,
}

impl std::fmt::Debug for Shapes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.known.iter().map(|(info, _)| &info.id)).finish()
    }
}

/// What a check of settings found.
#[derive(Debug)]
pub(crate) enum Checked {
    /// They fit.
    Fits,
    /// They cannot be checked whole before the named variables are set.
    Waits,
    /// A field does not fit.
    Misfit { field: String, reason: String },
}

impl Shapes {
    /// Takes the registry.
    pub fn new(protocols: &[Arc<dyn Protocol>], expand: Arc<dyn Expand>) -> Self {
        Self { known: protocols.iter().map(|protocol| (protocol.info(), protocol.clone())).collect(), expand }
    }

    /// The protocol that a file means by this word.
    pub fn find(&self, word: &str) -> Option<&ProtocolInfo> {
        let word = word.trim().to_ascii_lowercase().replace('-', "_");
        let fits = |name: &str| name.to_ascii_lowercase().replace('-', "_") == word;
        self.known.iter().map(|(info, _)| info).find(|info| fits(info.id.as_str()) || info.aliases.iter().any(|alias| fits(alias)))
    }

    /// All ids, for messages.
    pub fn ids(&self) -> String {
        self.known.iter().map(|(info, _)| info.id.as_str()).collect::<Vec<_>>().join(", ")
    }

    /// Whether a protocol has a setting of this name.
    pub fn has_field(&self, info: &ProtocolInfo, field: &str) -> bool {
        info.schema.get("properties").and_then(|properties| properties.get(field)).is_some()
    }

    /// Whether a variable has a value on this machine.
    pub(crate) fn is_set(&self, name: &str) -> bool {
        let probe = JsonMap::from_iter([("x".to_owned(), format!("${{{name}}}").into())]);
        self.expand.expand(&probe).is_ok()
    }

    /// Checks settings as they would be used now. Touches nothing.
    pub(crate) fn check(&self, id: &ProtocolId, settings: &JsonMap) -> Checked {
        let Some((_, protocol)) = self.known.iter().find(|(info, _)| info.id == *id) else {
            return Checked::Misfit { field: "type".into(), reason: format!("there is no protocol {id}") };
        };
        let expanded = match self.expand.expand(settings) {
            Ok(expanded) => expanded,
            Err(fault) if is_unset(&fault) => return self.check_without_references(protocol.as_ref(), settings),
            Err(fault) => {
                let field = fault.params.get("field").and_then(|field| field.as_str()).unwrap_or("settings").to_owned();
                return Checked::Misfit { field, reason: fault.message.en };
            }
        };
        match protocol.check(expanded) {
            Ok(_) => Checked::Fits,
            Err(fault) => misfit(fault),
        }
    }

    /// With variables that are not set: a misfit counts only where no reference stands.
    fn check_without_references(&self, protocol: &dyn Protocol, settings: &JsonMap) -> Checked {
        let mut standing_in = settings.clone();
        let mut filled = Vec::new();
        for (key, value) in &mut standing_in {
            let lone = JsonMap::from_iter([(key.clone(), value.clone())]);
            if !plain::references(&lone).is_empty() {
                filled.push(key.clone());
                *value = stand_in(value);
            }
        }
        match protocol.check(standing_in) {
            Ok(_) => Checked::Waits,
            Err(fault) => match misfit(fault) {
                Checked::Misfit { field, .. } if filled.iter().any(|key| field == *key || field.starts_with(&format!("{key}."))) => {
                    Checked::Waits
                }
                other => other,
            },
        }
    }
}

fn is_unset(fault: &Fault) -> bool {
    fault.code == "unset_variable"
}

fn misfit(fault: ServerFault) -> Checked {
    match fault {
        ServerFault::Settings { field, reason } => Checked::Misfit { field, reason },
        other => Checked::Misfit { field: "settings".into(), reason: other.to_string() },
    }
}

/// The value with each reference replaced by a word that most fields take.
fn stand_in(value: &domain::Json) -> domain::Json {
    use domain::Json;
    match value {
        Json::String(text) => {
            let mut out = String::new();
            let mut rest = text.as_str();
            while let Some((before, after)) = rest.split_once("${") {
                out.push_str(before);
                let Some((_, behind)) = after.split_once('}') else { break };
                out.push('1');
                rest = behind;
            }
            out.push_str(rest);
            Json::String(out)
        }
        Json::Array(items) => Json::Array(items.iter().map(stand_in).collect()),
        Json::Object(map) => Json::Object(map.iter().map(|(key, item)| (key.clone(), stand_in(item))).collect()),
        other => other.clone(),
    }
}
