//! The headers that carry a server's credentials.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::fault::ServerFault;
use domain::protocol::{AuthType, Common};
use http::{HeaderMap, HeaderName, HeaderValue, header};

/// Headers that belong to the connection, not to the person.
const OURS: [&str; 11] = [
    "connection",
    "content-length",
    "expect",
    "keep-alive",
    "proxy-connection",
    "sec-websocket-key",
    "sec-websocket-version",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// `auth_headers` first; a token or a user then sets `Authorization`, over a header of that name. Every value is marked sensitive, and a
/// line end in any of them is refused.
pub fn auth_headers(common: &Common) -> Result<HeaderMap, ServerFault> {
    let refuse = |field: &str, reason: &str| ServerFault::Settings { field: field.to_owned(), reason: reason.to_owned() };
    let mut headers = HeaderMap::new();
    for (name, secret) in common.auth_headers.iter().flatten() {
        let field = format!("auth_headers.{}", name.chars().filter(|c| !c.is_control()).take(80).collect::<String>());
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| refuse(&field, "is no header name"))?;
        if OURS.contains(&name.as_str()) {
            return Err(refuse(&field, "belongs to the connection and cannot be set"));
        }
        headers.insert(name, sensitive(secret.expose()).ok_or_else(|| refuse(&field, "holds a line end or a control character"))?);
    }
    let token = common.auth_token.as_ref().filter(|token| !token.is_empty());
    let user = common.username.as_deref().filter(|user| !user.is_empty());
    // Files of the predecessor give a token without an `auth_type`.
    let how = common.auth_type.unwrap_or(match (token, user) {
        (Some(_), _) => AuthType::Bearer,
        (None, Some(_)) => AuthType::Basic,
        (None, None) => AuthType::Headers,
    });
    let ready = headers.contains_key(header::AUTHORIZATION);
    match (how, token, user) {
        (AuthType::Bearer, Some(token), _) => {
            let value = sensitive(&format!("Bearer {}", token.expose()))
                .ok_or_else(|| refuse("auth_token", "holds a line end or a control character"))?;
            headers.insert(header::AUTHORIZATION, value);
        }
        (AuthType::Bearer, None, _) if !ready => return Err(refuse("auth_token", "is missing, and auth_type is bearer")),
        (AuthType::Basic, _, Some(user)) => {
            if user.contains(':') {
                return Err(refuse("username", "must not hold a colon"));
            }
            let password = common.password.as_ref().map_or("", |password| password.expose());
            let value = sensitive(&format!("Basic {}", STANDARD.encode(format!("{user}:{password}"))))
                .ok_or_else(|| refuse("username", "cannot be sent"))?;
            headers.insert(header::AUTHORIZATION, value);
        }
        (AuthType::Basic, _, None) if !ready => return Err(refuse("username", "is missing, and auth_type is basic")),
        _ => {}
    }
    Ok(headers)
}

fn sensitive(text: &str) -> Option<HeaderValue> {
    // Tabs would pass the parser; nobody means one in a credential.
    if text.chars().any(char::is_control) {
        return None;
    }
    let mut value = HeaderValue::from_bytes(text.as_bytes()).ok()?;
    value.set_sensitive(true);
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::Json;
    use serde_json::json;

    fn headers(settings: Json) -> Result<HeaderMap, ServerFault> {
        let Json::Object(map) = settings else { panic!("settings are an object") };
        auth_headers(&Common::split(map).unwrap().0)
    }

    #[test]
    fn credentials_become_the_headers_that_the_settings_say() {
        for (settings, expected) in [
            (json!({}), None),
            (json!({"auth_token": "t"}), Some("Bearer t")),
            (json!({"auth_type": "bearer", "auth_token": "t", "auth_headers": {"authorization": "Bearer old"}}), Some("Bearer t")),
            (json!({"auth_type": "none", "auth_token": "t"}), None),
            (json!({"auth_type": "headers", "auth_token": "t", "auth_headers": {"Authorization": "Digest x"}}), Some("Digest x")),
            (json!({"auth_type": "basic", "username": "u", "password": "p"}), Some("Basic dTpw")),
            (json!({"auth_type": "basic", "auth_headers": {"Authorization": "Basic dTpw"}}), Some("Basic dTpw")),
            (json!({"username": "u"}), Some("Basic dTo=")),
        ] {
            let found = headers(settings.clone()).unwrap();
            assert_eq!(found.get("authorization").map(|value| value.to_str().unwrap()), expected, "{settings}");
        }
        let both = headers(json!({"auth_token": "t", "auth_headers": {"X-API-Key": "k"}})).unwrap();
        assert_eq!(both["x-api-key"], "k");
        assert!(!format!("{both:?}").contains("Bearer t"), "values are marked sensitive");
    }

    #[test]
    fn what_cannot_be_sent_is_refused_with_its_field_and_without_its_value() {
        for (settings, field) in [
            (json!({"auth_type": "bearer"}), "auth_token"),
            (json!({"auth_type": "basic"}), "username"),
            (json!({"auth_token": "a\r\nX-Evil: hunter2"}), "auth_token"),
            (json!({"auth_headers": {"X-A": "hunter2\n"}}), "auth_headers.X-A"),
            (json!({"auth_headers": {"X A": "hunter2"}}), "auth_headers.X A"),
            (json!({"auth_headers": {"X\r\nB": "hunter2"}}), "auth_headers.XB"),
            (json!({"auth_headers": {"Content-Length": "5"}}), "auth_headers.Content-Length"),
            (json!({"auth_type": "basic", "username": "a:b"}), "username"),
        ] {
            match headers(settings.clone()) {
                Err(ServerFault::Settings { field: named, reason }) => {
                    assert_eq!(named, field, "{settings}");
                    assert!(!reason.contains("hunter2"), "{settings}");
                }
                other => panic!("{settings} gave {other:?}"),
            }
        }
    }
}
