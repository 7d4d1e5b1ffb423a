//! Signing in with the browser: authorization code with PKCE (RFC 7636), back to this machine (RFC 8252), from the right issuer (RFC 9207).

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::fault::{Fault, FaultKind, ServerFault};
use domain::secret::Secret;
use domain::sign_in::{SignInGuide, SignedIn};
use domain::text::Text;
use net::{Loopback, Url};
use serde_json::json;
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use super::discovery::endpoint;
use super::{Flow, issuer_unreachable};
use crate::fault::about;

/// How long a person has. Nobody listens any longer either.
const WITHIN: Duration = Duration::from_mins(5);
/// The path of our own choice, where the issuer does not care.
const PATH: &str = "/callback";

/// 256 random bits as text that needs no encoding.
fn random() -> Zeroizing<String> {
    Zeroizing::new(URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>()))
}

/// What only this sign-in knows.
struct Once {
    state: Zeroizing<String>,
    nonce: Zeroizing<String>,
    verifier: Zeroizing<String>,
}

/// What the browser brought back.
struct Brought {
    code: Secret,
}

/// Where the browser comes back to, as the issuer is told it.
struct Door {
    loopback: Loopback,
    redirect: String,
}

impl Flow<'_> {
    pub(super) async fn in_browser(&self, port: Option<u16>, guide: &dyn SignInGuide) -> Result<SignedIn, Fault> {
        tokio::time::timeout(WITHIN, self.visit(port, guide)).await.unwrap_or_else(|_| Err(self.late()))
    }

    async fn visit(&self, port: Option<u16>, guide: &dyn SignInGuide) -> Result<SignedIn, Fault> {
        let methods = self.issuer.about.code_challenge_methods_supported.as_deref();
        if methods.is_some_and(|methods| !methods.iter().any(|method| method == "S256")) {
            return Err(self.odd(&Text::new("the issuer does not offer PKCE with S256", "颁发者不支持 PKCE（S256）")));
        }
        let once = Once { state: random(), nonce: random(), verifier: random() };
        let door = self.door(port).await?;
        let page = self.page(&door.redirect, &once)?;
        let Door { loopback, redirect } = door;
        // Whoever opens the page may come back with the answer before the opener returns.
        let sent = async {
            guide.page(&page).await?;
            std::future::pending::<Result<String, Fault>>().await
        };
        let query = tokio::select! {
            query = loopback.wait(&once.state, WITHIN) => query.map_err(|_| self.late())?,
            failed = sent => failed?,
        };
        let brought = self.brought(&query)?;
        self.reach.parts.redact.learn(&brought.code);
        self.reach.parts.redact.learn(&Secret::new(once.verifier.as_str()));
        let form = vec![
            ("grant_type", "authorization_code"),
            ("code", brought.code.expose()),
            ("redirect_uri", redirect.as_str()),
            ("code_verifier", once.verifier.as_str()),
        ];
        let answer = self.issuer.ask(self.client.id, self.client_secret.as_deref(), form).await.map_err(|why| self.of(why))?;
        answer.teach(self.reach.parts.redact.as_ref());
        self.taken(&answer, Some(&once.nonce))
    }

    /// Listens where the issuer may send the browser.
    async fn door(&self, port: Option<u16>) -> Result<Door, Fault> {
        let registered: Vec<String> = match port {
            Some(port) => vec![format!("http://localhost:{port}")],
            None => self.client.redirects.to_vec(),
        };
        if registered.is_empty() {
            let loopback = Loopback::bind(0, PATH).await.map_err(|fault| self.no_door(&fault, &[]))?;
            return Ok(Door { redirect: loopback.address(), loopback });
        }
        let mut last = None;
        for redirect in &registered {
            let Some(url) = Url::parse(redirect).ok().filter(is_ours) else { continue };
            match Loopback::bind(url.port_or_known_default().unwrap_or(80), url.path()).await {
                // Spelled as it is registered: issuers compare letter by letter.
                Ok(loopback) => return Ok(Door { loopback, redirect: redirect.clone() }),
                Err(fault) => last = Some(fault),
            }
        }
        let none = ServerFault::Internal { what: "no address of this machine is registered".to_owned() };
        Err(self.no_door(&last.unwrap_or(none), &registered))
    }

    fn no_door(&self, fault: &ServerFault, registered: &[String]) -> Fault {
        let (name, all) = (&self.cluster.name, registered.join(", "));
        tracing::debug!(cluster = name, %fault, "no port for a sign-in");
        about(
            self.cluster,
            FaultKind::Config,
            "redirect_port_taken",
            Text::new(
                format!("the sign-in to {name} has nowhere to come back to: another program listens on {all}"),
                format!("对 {name} 的登录无处返回：{all} 已被其他程序占用"),
            ),
            Text::new(
                "End that program, or name another port that the issuer knows (--redirect-port), or sign in with a code (--device).",
                "请结束该程序，或指定颁发者已登记的其他端口（--redirect-port），或使用代码登录（--device）。",
            ),
        )
        .with_params(json!({ "cluster": name, "redirects": registered }))
    }

    /// The issuer's page for this sign-in.
    fn page(&self, redirect: &str, once: &Once) -> Result<Url, Fault> {
        let unfit = |why: &Text| issuer_unreachable(self.cluster, self.client.issuer, why);
        let none = Text::new("it has no page to sign in on", "其没有登录页面");
        let place = self.issuer.about.authorization_endpoint.as_deref().ok_or_else(|| unfit(&none))?;
        let mut page = endpoint(place).map_err(|why| unfit(&why.0))?;
        page.set_fragment(None);
        page.query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("client_id", self.client.id)
            .append_pair("redirect_uri", redirect)
            .append_pair("scope", &self.scopes())
            .append_pair("state", &once.state)
            .append_pair("nonce", &once.nonce)
            .append_pair("code_challenge", &URL_SAFE_NO_PAD.encode(Sha256::digest(once.verifier.as_bytes())))
            .append_pair("code_challenge_method", "S256");
        // What an opener could misread is refused, wherever it comes from.
        net::openable(page.as_str()).map_err(|fault| unfit(&fault.words()))
    }

    /// The code, if the answer is one and comes from our issuer.
    fn brought(&self, query: &str) -> Result<Brought, Fault> {
        let pairs: Vec<(String, Zeroizing<String>)> = url::form_urlencoded::parse(query.as_bytes())
            .map(|(name, value)| (name.into_owned(), Zeroizing::new(value.into_owned())))
            .collect();
        let all = |name: &str| pairs.iter().filter(|(key, _)| key == name).map(|(_, value)| value.as_str()).collect::<Vec<_>>();
        let wants_issuer = self.issuer.about.authorization_response_iss_parameter_supported == Some(true);
        let from = all("iss");
        if from.iter().any(|iss| *iss != self.issuer.about.issuer) || from.len() > 1 || (wants_issuer && from.is_empty()) {
            return Err(self.odd(&Text::new("the browser came back from another issuer", "浏览器从另一个颁发者返回")));
        }
        if let Some(error) = all("error").first() {
            let shown: String = error.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '_').take(60).collect();
            return Err(self.refused(&shown));
        }
        match all("code").as_slice() {
            [code] if !code.is_empty() => Ok(Brought { code: Secret::new(*code) }),
            _ => Err(self.odd(&Text::new("the browser came back without a code", "浏览器返回时没有携带授权码"))),
        }
    }
}

/// An address of this machine that we can listen on.
fn is_ours(url: &Url) -> bool {
    url.scheme() == "http" && matches!(url.host_str(), Some("127.0.0.1" | "localhost")) && url.query().is_none() && url.fragment().is_none()
}
