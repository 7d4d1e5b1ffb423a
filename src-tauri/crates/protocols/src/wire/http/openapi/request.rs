//! Makes an operation's request out of arguments.
//!
//! **Invariant:** a value can only ever be a value: it cannot add a segment, a query key, a header line or a form field.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use domain::fault::ServerFault;
use domain::{Json, JsonMap};
use net::{HeaderName, HeaderValue, Request, Url, header};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::document::{Body, Operation, Param, Place, Spread};

/// Kept as they are in a path segment or a cookie; everything else is percent-encoded.
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// Longest value in a path or a header.
const LONGEST_VALUE: usize = 8 * 1024;
/// Longest address.
const LONGEST_URL: usize = 64 * 1024;

fn unfit(path: &str, reason: &str) -> ServerFault {
    ServerFault::SchemaInvalid { path: path.to_owned(), reason: reason.to_owned() }
}

/// The request, or which argument does not fit.
pub(super) fn build(operation: &Operation, base: &Url, args: &JsonMap) -> Result<Request, ServerFault> {
    for key in args.keys() {
        if !operation.params.iter().any(|param| param.key == *key) && operation.body.as_ref().is_none_or(|body| body.key != *key) {
            return Err(unfit(key, "the operation has no such argument"));
        }
    }
    let given = |param: &Param| args.get(&param.key).filter(|value| !value.is_null());
    if let Some(missing) = operation.params.iter().find(|param| param.required && given(param).is_none()) {
        return Err(unfit(&missing.key, "is required"));
    }
    let mut url = base.clone();
    url.set_path(&filled(&operation.template, base.path(), operation, args)?);
    url.set_fragment(None);
    let mut cookies = Vec::new();
    let mut headers = Vec::new();
    for param in &operation.params {
        let Some(value) = given(param) else { continue };
        match param.place {
            Place::Path => {}
            Place::Query => {
                let pairs = pairs(param, value)?;
                let mut query = url.query_pairs_mut();
                for (name, value) in pairs {
                    query.append_pair(&name, &value);
                }
            }
            Place::Header => {
                let text = joined(param, value)?;
                let line = HeaderValue::from_str(&text).ok().filter(|_| text.len() <= LONGEST_VALUE && !text.chars().any(char::is_control));
                let line = line.ok_or_else(|| unfit(&param.key, "holds characters that a header cannot carry, or is too long"))?;
                let name = HeaderName::from_bytes(param.name.as_bytes()).map_err(|_| unfit(&param.key, "is no header name"))?;
                headers.push((name, line));
            }
            Place::Cookie => cookies.push(format!("{}={}", encoded(&param.name), encoded(&joined(param, value)?))),
        }
    }
    if url.as_str().len() > LONGEST_URL {
        return Err(unfit("", "the arguments make an address that is too long"));
    }
    let mut request = Request::new(operation.method.clone(), url);
    request = request.header(header::ACCEPT, HeaderValue::from_static("application/json, */*;q=0.5"));
    for (name, value) in headers {
        request = request.header(name, value);
    }
    if !cookies.is_empty() {
        let line = HeaderValue::from_str(&cookies.join("; ")).map_err(|_| unfit("", "a cookie cannot carry this"))?;
        request = request.header(header::COOKIE, line);
    }
    let Some(body) = &operation.body else { return Ok(request) };
    match args.get(&body.key).filter(|value| !value.is_null()) {
        Some(value) => with_body(request, body, value),
        None if body.required => Err(unfit(&body.key, "is required")),
        None => Ok(request),
    }
}

fn encoded(text: &str) -> String {
    utf8_percent_encode(text, UNRESERVED).to_string()
}

/// The path with its holes filled.
fn filled(template: &str, base: &str, operation: &Operation, args: &JsonMap) -> Result<String, ServerFault> {
    let mut path = base.trim_end_matches('/').to_owned();
    let mut rest = template;
    if !rest.starts_with('/') {
        path.push('/');
    }
    while let Some((before, after)) = rest.split_once('{') {
        path.push_str(before);
        let Some((name, tail)) = after.split_once('}') else { break };
        let param = operation.params.iter().find(|param| param.place == Place::Path && param.name == name);
        let Some((param, value)) = param.and_then(|param| Some((param, args.get(&param.key)?))) else {
            return Err(unfit(name, "is required"));
        };
        path.push_str(&segment(param, value)?);
        rest = tail;
    }
    path.push_str(rest);
    // A hole may be a part of a segment; the whole segment must not become a step upwards.
    if path.split('/').any(|segment| matches!(segment.to_ascii_lowercase().replace("%2e", ".").as_str(), "." | "..")) {
        return Err(unfit("", "the path would lead elsewhere"));
    }
    Ok(path)
}

/// One value as a part of one segment.
fn segment(param: &Param, value: &Json) -> Result<String, ServerFault> {
    let text = joined(param, value)?;
    if text.is_empty() {
        return Err(unfit(&param.key, "must not be empty"));
    }
    if text.len() > LONGEST_VALUE {
        return Err(unfit(&param.key, "is too long for a path"));
    }
    if text.chars().any(char::is_control) {
        return Err(unfit(&param.key, "holds a line end or a control character"));
    }
    if text.split(['/', '\\']).any(|part| matches!(part, "." | "..")) {
        return Err(unfit(&param.key, "must not lead to another path"));
    }
    Ok(encoded(&text))
}

fn plain(param: &Param, value: &Json) -> Result<String, ServerFault> {
    match value {
        Json::String(text) => Ok(text.clone()),
        Json::Number(_) | Json::Bool(_) => Ok(value.to_string()),
        Json::Null => Ok(String::new()),
        Json::Array(_) | Json::Object(_) => Err(unfit(&param.key, "is nested more deeply than this place can carry")),
    }
}

/// One text out of a value: lists and objects side by side.
fn joined(param: &Param, value: &Json) -> Result<String, ServerFault> {
    let by = match param.spread {
        Spread::Json => return Ok(value.to_string()),
        Spread::Joined(by) => by,
        Spread::Apart | Spread::Deep => ',',
    }
    .to_string();
    match value {
        Json::Array(items) => Ok(items.iter().map(|item| plain(param, item)).collect::<Result<Vec<_>, _>>()?.join(&by)),
        Json::Object(map) => {
            let parts = map.iter().map(|(key, item)| plain(param, item).map(|item| format!("{key}{by}{item}")));
            Ok(parts.collect::<Result<Vec<_>, _>>()?.join(&by))
        }
        leaf => plain(param, leaf),
    }
}

fn pairs(param: &Param, value: &Json) -> Result<Vec<(String, String)>, ServerFault> {
    let own = |text: String| (param.name.clone(), text);
    match (param.spread, value) {
        (Spread::Apart | Spread::Deep, Json::Array(items)) => items.iter().map(|item| plain(param, item).map(own)).collect(),
        (Spread::Apart, Json::Object(map)) => map.iter().map(|(key, item)| Ok((key.clone(), plain(param, item)?))).collect(),
        (Spread::Deep, Json::Object(map)) => {
            map.iter().map(|(key, item)| Ok((format!("{}[{key}]", param.name), plain(param, item)?))).collect()
        }
        _ => Ok(vec![own(joined(param, value)?)]),
    }
}

fn with_body(request: Request, body: &Body, value: &Json) -> Result<Request, ServerFault> {
    let essence = body.media.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let field = |value: &Json| match value {
        Json::String(text) => text.clone(),
        other => other.to_string(),
    };
    let fields = || value.as_object().ok_or_else(|| unfit(&body.key, "must be an object"));
    let text = || value.as_str().ok_or_else(|| unfit(&body.key, "must be a text"));
    let (media, bytes) = match essence.as_str() {
        json if json == "application/json" || json.ends_with("+json") => (body.media.clone(), Bytes::from(value.to_string())),
        "application/x-www-form-urlencoded" => {
            let mut form = url::form_urlencoded::Serializer::new(String::new());
            for (name, value) in fields()? {
                match value {
                    Json::Array(items) => {
                        form.extend_pairs(items.iter().map(|item| (name, field(item))));
                    }
                    Json::Null => {}
                    other => {
                        form.append_pair(name, &field(other));
                    }
                }
            }
            (essence.clone(), Bytes::from(form.finish()))
        }
        "multipart/form-data" => {
            let boundary = format!("pilothouse-{}", uuid::Uuid::new_v4().simple());
            let mut out = String::new();
            for (name, value) in fields()?.iter().filter(|(_, value)| !value.is_null()) {
                let name = name.replace(['\r', '\n'], " ").replace('"', "%22");
                let part =
                    [&*format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n"), &field(value), "\r\n"].concat();
                out.push_str(&part);
            }
            for piece in ["--", &boundary, "--\r\n"] {
                out.push_str(piece);
            }
            (format!("multipart/form-data; boundary={boundary}"), Bytes::from(out))
        }
        media if media.starts_with("text/") => (body.media.clone(), Bytes::from(text()?.to_owned())),
        _ => (body.media.clone(), Bytes::from(STANDARD.decode(text()?).map_err(|_| unfit(&body.key, "is not base64"))?)),
    };
    let media = HeaderValue::from_str(&media).map_err(|_| unfit(&body.key, "has a media type that cannot be sent"))?;
    let mut request = request.header(header::CONTENT_TYPE, media);
    request.body = Some(bytes);
    Ok(request)
}

#[cfg(test)]
mod tests;
