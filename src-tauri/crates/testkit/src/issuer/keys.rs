//! The keys that an issuer signs with.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::rsa::PublicKeyComponents;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair};
use serde_json::{Value as Json, json};

/// Made for tests once, with `openssl genpkey -algorithm RSA`; it opens nothing anywhere.
const RSA: &[u8] = include_bytes!("rsa.p8");

/// One key of each sort.
pub(super) struct Keys {
    rsa: RsaKeyPair,
    elliptic: EcdsaKeyPair,
    random: SystemRandom,
}

impl Keys {
    pub(super) fn new() -> Self {
        let random = SystemRandom::new();
        let fresh = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).expect("a key can be made");
        let elliptic = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, fresh.as_ref(), &random).expect("a key can be read");
        Self { rsa: RsaKeyPair::from_pkcs8(RSA).expect("the key of these tests can be read"), elliptic, random }
    }

    /// The document that verifiers read.
    pub(super) fn public(&self) -> Json {
        let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let rsa = PublicKeyComponents::<Vec<u8>>::from(self.rsa.public());
        // 0x04, then both coordinates.
        let (x, y) = self.elliptic.public_key().as_ref()[1..].split_at(32);
        json!({ "keys": [
            { "kty": "RSA", "kid": "r", "use": "sig", "alg": "RS256", "n": text(&rsa.n), "e": text(&rsa.e) },
            { "kty": "EC", "kid": "e", "use": "sig", "alg": "ES256", "crv": "P-256", "x": text(x), "y": text(y) },
        ] })
    }

    /// A signed token.
    pub(super) fn sign(&self, alg: &str, claims: &Json) -> String {
        let kid = if alg == "ES256" { "e" } else { "r" };
        let part = |json: &Json| URL_SAFE_NO_PAD.encode(json.to_string());
        let said = format!("{}.{}", part(&json!({ "alg": alg, "kid": kid, "typ": "JWT" })), part(claims));
        let signature = if alg == "ES256" {
            self.elliptic.sign(&self.random, said.as_bytes()).expect("it can be signed").as_ref().to_vec()
        } else {
            let mut signature = vec![0; self.rsa.public().modulus_len()];
            self.rsa.sign(&RSA_PKCS1_SHA256, &self.random, said.as_bytes(), &mut signature).expect("it can be signed");
            signature
        };
        format!("{said}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}
