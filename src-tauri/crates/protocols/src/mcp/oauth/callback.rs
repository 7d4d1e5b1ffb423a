//! Where the browser comes back to, and what it may bring.

use domain::fault::ServerFault;
use net::{Loopback, Url};

const PATH: &str = "/callback";

/// The address that the authorization server sends the browser back to.
pub(super) fn address(port: u16) -> String {
    Loopback::address_of(port, PATH)
}

/// Listens on the port that a registration names, if it is free, or on any.
pub(super) async fn listen(wished: Option<u16>) -> Result<Loopback, ServerFault> {
    match Loopback::bind(wished.unwrap_or(0), PATH).await {
        Err(_) if wished.is_some() => Loopback::bind(0, PATH).await,
        bound => bound,
    }
}

/// Why the answer is a refusal, if it is one. The words of somebody who is not the issuer are not shown.
pub(super) fn refusal(query: &str, issuer: &str) -> Option<String> {
    let url = Url::parse(&format!("{}?{query}", address(0))).ok()?;
    let get = |wanted: &str| url.query_pairs().find(|(key, _)| key == wanted).map(|(_, value)| value.into_owned());
    let error = get("error")?;
    if get("iss").is_some_and(|iss| iss != issuer) {
        return Some("the answer came from another issuer".to_owned());
    }
    let error: String = error.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '_').take(60).collect();
    Some(format!("the authorization server answered {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_another_issuer_are_not_shown() {
        // C-46.
        assert_eq!(refusal("code=a&state=s", "https://as"), None);
        assert_eq!(
            refusal("error=access_denied&iss=https%3A%2F%2Fas", "https://as").unwrap(),
            "the authorization server answered access_denied"
        );
        let other = refusal("error=%3Cscript%3E&iss=https%3A%2F%2Fevil", "https://as").unwrap();
        assert!(!other.contains("script"));
        assert_eq!(refusal("error=%3Ch1%3Ex&error_description=call+0800", "https://as").unwrap(), "the authorization server answered h1x");
    }
}
