//! What an issuer says of itself.
//!
//! **Invariant:** only an address that is https (or this machine) is called, and a document that names another issuer is not believed.

use domain::fault::ServerFault;
use domain::text::Text;
use net::{ClientSettings, Request, Response, Url, is_loopback};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::PATIENCE;

/// No answer of an issuer is larger.
const LARGEST: usize = 1024 * 1024;

/// Why an issuer was of no use.
pub(super) struct Why(pub(super) Text);

impl Why {
    pub(super) fn new(en: impl Into<String>, zh: impl Into<String>) -> Self {
        Self(Text::new(en, zh))
    }
}

impl From<ServerFault> for Why {
    fn from(fault: ServerFault) -> Self {
        Self(fault.words())
    }
}

/// An issuer whose document was read.
pub(super) struct Issuer {
    client: net::Client,
    pub(super) about: About,
}

/// The words of a discovery document that are needed.
#[derive(Deserialize)]
pub(super) struct About {
    pub(super) issuer: String,
    pub(super) token_endpoint: String,
    pub(super) authorization_endpoint: Option<String>,
    pub(super) device_authorization_endpoint: Option<String>,
    pub(super) revocation_endpoint: Option<String>,
    pub(super) scopes_supported: Option<Vec<String>>,
    pub(super) code_challenge_methods_supported: Option<Vec<String>>,
    pub(super) token_endpoint_auth_methods_supported: Option<Vec<String>>,
    pub(super) authorization_response_iss_parameter_supported: Option<bool>,
}

impl About {
    pub(super) fn knows_scope(&self, scope: &str) -> bool {
        self.scopes_supported.iter().flatten().any(|known| known == scope)
    }
}

/// Reads the document of an issuer.
pub(super) async fn discover(issuer: &str, ca: Option<&str>) -> Result<Issuer, Why> {
    let client = net::client(&ClientSettings { roots_pem: ca.map(str::to_owned), ..ClientSettings::default() })?;
    let base = issuer.trim_end_matches('/');
    let place = endpoint(&format!("{base}/.well-known/openid-configuration"))?;
    let read = async {
        let answer = client.send_straight(Request::get(place)).await?;
        let status = answer.status();
        if !status.is_success() {
            let status = status.as_u16();
            return Err(Why::new(format!("its discovery document is not there (HTTP {status})"), format!("没有发现文档（HTTP {status}）")));
        }
        parsed::<About>(answer).await?.ok_or_else(|| Why::new("its discovery document cannot be read", "其发现文档无法读取"))
    };
    let about = in_time(read).await?;
    if about.issuer.trim_end_matches('/') != base {
        return Err(Why::new("its discovery document names another issuer", "其发现文档指向另一个颁发者"));
    }
    Ok(Issuer { client, about })
}

impl Issuer {
    /// Sends, and follows nobody elsewhere.
    pub(super) async fn send(&self, request: Request) -> Result<Response, Why> {
        in_time(async { Ok(self.client.send_straight(request).await?) }).await
    }
}

/// An answer's body as what it should be; none when it is something else.
pub(super) async fn parsed<T: DeserializeOwned>(answer: Response) -> Result<Option<T>, Why> {
    let body = answer.read_limited(LARGEST).await?;
    Ok(serde_json::from_slice(&body).ok())
}

pub(super) async fn in_time<T>(work: impl Future<Output = Result<T, Why>>) -> Result<T, Why> {
    let seconds = PATIENCE.as_secs();
    tokio::time::timeout(PATIENCE, work)
        .await
        .unwrap_or_else(|_| Err(Why::new(format!("no answer within {seconds} s"), format!("{seconds} 秒内没有应答"))))
}

/// An address that may be called.
pub(super) fn endpoint(text: &str) -> Result<Url, Why> {
    let url = Url::parse(text).map_err(|_| Why::new("an address of it is no URL", "其某个地址不是有效的 URL"))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(Why::new("an address of it holds a user", "其某个地址中包含用户名"));
    }
    if url.scheme() == "https" || (url.scheme() == "http" && is_loopback(&url)) {
        Ok(url)
    } else {
        Err(Why::new("an address of it is not https", "其某个地址不是 https"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_https_and_this_machine_are_called() {
        for (address, called) in [
            ("https://issuer.example/token", true),
            ("http://127.0.0.1:8080/token", true),
            ("http://localhost/token", true),
            ("http://issuer.example/token", false),
            ("https://user:pass@issuer.example/token", false),
            ("ftp://issuer.example/token", false),
            ("/token", false),
        ] {
            assert_eq!(endpoint(address).is_ok(), called, "{address}");
        }
    }
}
