//! Secrets taken out of what is kept and shown: JSON values and faults.

use std::borrow::Cow;

use domain::fault::Fault;
use domain::secret::Redact;
use domain::text::Text;
use domain::{Json, JsonMap};

/// The value with every known secret replaced, in keys too.
pub(crate) fn redact_json(redact: &dyn Redact, value: Json) -> Json {
    match value {
        Json::String(text) => match redact.redact(&text) {
            Cow::Borrowed(_) => Json::String(text),
            Cow::Owned(clean) => Json::String(clean),
        },
        Json::Array(items) => Json::Array(items.into_iter().map(|item| redact_json(redact, item)).collect()),
        Json::Object(map) => Json::Object(redact_map(redact, map)),
        other => other,
    }
}

/// The same for an object.
pub(crate) fn redact_map(redact: &dyn Redact, map: JsonMap) -> JsonMap {
    map.into_iter().map(|(key, value)| (redact.redact(&key).into_owned(), redact_json(redact, value))).collect()
}

/// A peer may quote our own token back at us: faults are cleaned before anybody sees them.
pub(crate) fn redact_fault(redact: &dyn Redact, mut fault: Fault) -> Fault {
    let clean = |text: Text| Text::new(redact.redact(&text.en), redact.redact(&text.zh));
    fault.message = clean(fault.message);
    fault.hint = clean(fault.hint);
    fault.params = redact_json(redact, fault.params);
    fault
}
