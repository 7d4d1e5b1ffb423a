//! One file per table, or per handful of tables that only make sense together.

pub(crate) mod audit;
pub(crate) mod catalogues;
pub(crate) mod changes;
pub(crate) mod clusters;
pub(crate) mod history;
pub(crate) mod metrics;
pub(crate) mod servers;
pub(crate) mod settings;
pub(crate) mod vault;

use domain::Json;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::fault::StoreFault;

/// A column that holds JSON.
fn json<T: Serialize>(table: &'static str, value: &T) -> Result<String, StoreFault> {
    serde_json::to_string(value).map_err(|fault| StoreFault::Row { table, reason: fault.to_string() })
}

fn parse<T: DeserializeOwned>(table: &'static str, text: &str) -> Result<T, StoreFault> {
    serde_json::from_str(text).map_err(|fault| StoreFault::Row { table, reason: fault.to_string() })
}

/// How much of a value is kept where it is only to be looked at again.
const CUT: usize = 256 * 1024;

/// The JSON text of a value, or, over 256 KiB, the beginning of it under `cut`.
fn cut(value: &Json) -> String {
    let text = value.to_string();
    if text.len() <= CUT {
        return text;
    }
    let end = (0..=CUT).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0);
    serde_json::json!({ "cut": { "bytes": text.len(), "start": &text[..end] } }).to_string()
}
