//! The token endpoint, the revocation endpoint, and what an id token says.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use domain::Json;
use domain::id::Millis;
use domain::secret::{Redact, Secret};
use domain::sign_in::Revocation;
use domain::text::Text;
use net::{HeaderValue, Method, Request, Response, StatusCode, header};
use serde::Deserialize;

use super::discovery::{Issuer, Why, endpoint, in_time, parsed};

/// No id token is larger: an API server would not take it in a header.
const LARGEST_TOKEN: usize = 64 * 1024;
/// How far the clocks of an issuer and of this machine may be apart (ms).
const SKEW: i64 = 60_000;
/// Errors of the standards (RFC 6749, RFC 8628), as they may be repeated; anything else might be anything.
const KNOWN: [&str; 10] = [
    "invalid_request",
    "invalid_client",
    "invalid_grant",
    "unauthorized_client",
    "unsupported_grant_type",
    "invalid_scope",
    "access_denied",
    "authorization_pending",
    "slow_down",
    "expired_token",
];

/// Why the issuer gave nothing.
pub(super) enum Refused {
    /// An error of the standard.
    Code(&'static str),
    /// Something else, in words.
    Other(Text),
}

impl From<Why> for Refused {
    fn from(why: Why) -> Self {
        Self::Other(why.0)
    }
}

/// What a token endpoint gives. An access token is of no use to us.
#[derive(Deserialize)]
#[expect(clippy::struct_field_names, reason = "they are the standard's names")]
pub(super) struct Answer {
    pub(super) id_token: Option<String>,
    pub(super) refresh_token: Option<String>,
    access_token: Option<String>,
}

impl Answer {
    /// No log line will repeat them.
    pub(super) fn teach(&self, redact: &dyn Redact) {
        for token in [&self.id_token, &self.refresh_token, &self.access_token].into_iter().flatten() {
            redact.learn(&Secret::new(token.as_str()));
        }
    }
}

/// The error that an answer names, if it is one that may be repeated.
pub(super) fn known_error(named: &str) -> Option<&'static str> {
    KNOWN.into_iter().find(|known| *known == named)
}

/// Reads a success, or which refusal it is.
pub(super) async fn answered<T: serde::de::DeserializeOwned>(answer: Response) -> Result<T, Refused> {
    let status = answer.status();
    if status.is_success() {
        return parsed(answer).await?.ok_or_else(|| Why::new("its answer cannot be read", "其应答无法读取").into());
    }
    let body: Option<Json> = parsed(answer).await?;
    let named = body.as_ref().and_then(|body| body.get("error")?.as_str()).and_then(known_error);
    Err(named.map_or_else(|| http(status), Refused::Code))
}

fn http(status: StatusCode) -> Refused {
    let status = status.as_u16();
    Why::new(format!("it answered HTTP {status}"), format!("其应答为 HTTP {status}")).into()
}

impl Issuer {
    /// Asks the token endpoint.
    pub(super) async fn ask(&self, client: &str, secret: Option<&str>, form: Vec<(&str, &str)>) -> Result<Answer, Refused> {
        let request = self.post(&self.about.token_endpoint, client, secret, form)?;
        let answer = self.send(request).await?;
        let read = async { Ok(answered::<Answer>(answer).await) };
        in_time(read).await?
    }

    /// A form to one of the issuer's endpoints, with the client's name and, if it has one, its secret.
    pub(super) fn post<'t>(
        &self,
        place: &str,
        client: &'t str,
        secret: Option<&'t str>,
        mut form: Vec<(&'t str, &'t str)>,
    ) -> Result<Request, Why> {
        let mut request = Request::new(Method::POST, endpoint(place)?)
            .header(header::ACCEPT, HeaderValue::from_static("application/json"))
            .header(header::CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
        let methods = self.about.token_endpoint_auth_methods_supported.as_deref().unwrap_or_default();
        match secret {
            // What counts when the issuer names no method.
            Some(secret) if methods.is_empty() || methods.iter().any(|method| method == "client_secret_basic") => {
                let encoded = |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
                let basic = format!("Basic {}", STANDARD.encode(format!("{}:{}", encoded(client), encoded(secret))));
                let mut value =
                    HeaderValue::try_from(basic).map_err(|_| Why::new("the client secret is no header", "客户端密钥不能作为请求头"))?;
                value.set_sensitive(true);
                request = request.header(header::AUTHORIZATION, value);
            }
            Some(secret) => form.extend([("client_id", client), ("client_secret", secret)]),
            None => form.push(("client_id", client)),
        }
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        request.body = Some(body.into_bytes().into());
        Ok(request)
    }

    /// Asks the issuer to withdraw a refresh token, and with it what came from it (RFC 7009).
    pub(super) async fn revoke(&self, client: &str, secret: Option<&str>, refresh: &str) -> Revocation {
        let Some(place) = &self.about.revocation_endpoint else { return Revocation::NotOffered };
        let form = vec![("token", refresh), ("token_type_hint", "refresh_token")];
        let asked = match self.post(place, client, secret, form) {
            Ok(request) => self.send(request).await,
            Err(why) => Err(why),
        };
        match asked {
            Ok(answer) if answer.status().is_success() => Revocation::Done,
            Ok(answer) => {
                let status = answer.status().as_u16();
                Revocation::Failed { why: Text::new(format!("it answered HTTP {status}"), format!("其应答为 HTTP {status}")) }
            }
            Err(Why(why)) => Revocation::Failed { why },
        }
    }
}

/// What an id token says of itself.
///
/// Its signature is not checked here: it came over TLS straight from the issuer's token endpoint, which stands for it (OpenID Connect Core
/// 3.1.3.7, point 6), and whoever believes the token is the API server, which checks it with the issuer's keys.
pub(super) struct Claims {
    head: Json,
    body: Json,
}

impl Claims {
    /// Reads the two parts that can be read.
    pub(super) fn of(token: &str) -> Option<Self> {
        if token.len() > LARGEST_TOKEN {
            return None;
        }
        let parts: Vec<&str> = token.split('.').collect();
        let [head, body, _] = parts.as_slice() else { return None };
        let part = |part: &str| -> Option<Json> { serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part.trim_end_matches('=')).ok()?).ok() };
        Some(Self { head: part(head)?, body: part(body)? }).filter(|claims| claims.body.is_object())
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.body.get(name)?.as_str().filter(|text| !text.is_empty())
    }

    /// When it ends.
    pub(super) fn ends(&self) -> Option<Millis> {
        self.body.get("exp")?.as_i64()?.checked_mul(1000).map(Millis)
    }

    /// Whom it names, for people.
    pub(super) fn user(&self) -> String {
        let named = ["email", "preferred_username", "sub"].into_iter().find_map(|name| self.text(name)).unwrap_or_default();
        named.chars().filter(|c| !c.is_control()).take(200).collect()
    }

    /// Whether it is from that issuer, for us, the answer to this sign-in, and lasts.
    pub(super) fn check(&self, issuer: &str, client: &str, nonce: Option<&str>, now: Millis) -> Result<(), Text> {
        let no = |en: &str, zh: &str| Err(Text::new(en, zh));
        if self.head.get("alg").and_then(Json::as_str).is_none_or(|alg| alg.eq_ignore_ascii_case("none")) {
            return no("its id token is not signed", "其 id token 没有签名");
        }
        if self.text("iss") != Some(issuer) {
            return no("its id token is from another issuer", "其 id token 来自另一个颁发者");
        }
        let audience: Vec<&str> = match self.body.get("aud") {
            Some(Json::String(one)) => vec![one],
            Some(Json::Array(all)) => all.iter().filter_map(Json::as_str).collect(),
            _ => Vec::new(),
        };
        if !audience.contains(&client) || self.text("azp").is_some_and(|azp| audience.len() > 1 && azp != client) {
            return no("its id token is for another client", "其 id token 属于另一个客户端");
        }
        if nonce.is_some() && self.text("nonce") != nonce {
            return no("its id token answers another sign-in (nonce)", "其 id token 属于另一次登录（nonce）");
        }
        match self.ends() {
            Some(end) if end.since(now) > -SKEW => Ok(()),
            Some(_) => no("its id token has ended already; is this computer's clock right?", "其 id token 已过期；请检查本机时钟"),
            None => no("its id token does not say when it ends", "其 id token 没有注明到期时间"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn token(head: &Json, body: &Json) -> String {
        let part = |json: &Json| URL_SAFE_NO_PAD.encode(json.to_string());
        format!("{}.{}.c2ln", part(head), part(body))
    }

    #[test]
    fn an_id_token_is_taken_only_when_everything_fits() {
        let good = json!({ "iss": "https://i", "aud": "c", "nonce": "n", "exp": 1000, "sub": "s" });
        let with = |name: &str, value: Json| {
            let mut body = good.clone();
            body[name] = value;
            body
        };
        let signed = json!({ "alg": "RS256" });
        for (what, head, body, fits) in [
            ("everything fits", &signed, good.clone(), true),
            ("one of several audiences", &signed, with("aud", json!(["x", "c"])), true),
            (
                "several audiences, for another",
                &signed,
                {
                    let mut b = with("aud", json!(["x", "c"]));
                    b["azp"] = json!("x");
                    b
                },
                false,
            ),
            ("another issuer", &signed, with("iss", json!("https://i/")), false),
            ("another client", &signed, with("aud", json!("x")), false),
            ("no audience", &signed, with("aud", json!(null)), false),
            ("another nonce", &signed, with("nonce", json!("m")), false),
            ("no nonce", &signed, with("nonce", json!(null)), false),
            ("ended", &signed, with("exp", json!(900)), false),
            ("no end", &signed, with("exp", json!("soon")), false),
            ("not signed", &json!({ "alg": "none" }), good.clone(), false),
            ("no word on how it is signed", &json!({}), good.clone(), false),
        ] {
            let claims = Claims::of(&token(head, &body)).unwrap();
            assert_eq!(claims.check("https://i", "c", Some("n"), Millis(999_000)).is_ok(), fits, "{what}");
        }
        for no in ["", "a.b", "a.b.c", "e30.e30.c2ln.x", &"x".repeat(LARGEST_TOKEN + 1)] {
            assert!(Claims::of(no).is_none(), "{no}");
        }
        assert_eq!(Claims::of(&token(&signed, &with("email", json!("a@b\u{1b}[2J")))).unwrap().user(), "a@b[2J");
    }
}
