//! Signing in where an issuer knows the people of a cluster (OpenID Connect).
//!
//! **Invariant:** tokens leave a sign-in only as [`SecretBytes`], for the vault.

use std::fmt;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use url::Url;

use crate::fault::Fault;
use crate::id::Millis;
use crate::text::Text;
use crate::vault::SecretBytes;

/// How a person signs in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignInWay {
    /// In the browser of this machine, which comes back to a port of it.
    Browser {
        /// The port that the issuer expects (`http://localhost:PORT`), instead of what the cluster's definition says.
        port: Option<u16>,
    },
    /// With a code that is typed into a page on any device.
    Code,
}

/// A code, and where it is typed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SignInCode {
    /// The page.
    pub page: String,
    /// The page with the code in it, where the issuer offers one.
    pub page_with_code: Option<String>,
    /// The code. It is for the person and no secret of ours.
    pub code: String,
    /// Until then it counts.
    pub expires_at: Millis,
}

/// Takes a person through a sign-in.
#[async_trait]
pub trait SignInGuide: Send + Sync + fmt::Debug {
    /// Sends the person to the issuer's page, after they saw its host. Returns when they were sent; a fault ends the sign-in.
    async fn page(&self, page: &Url) -> Result<(), Fault>;
    /// Shows the code. Returns when it is shown; a fault ends the sign-in.
    async fn code(&self, code: &SignInCode) -> Result<(), Fault>;
}

/// What a sign-in gave.
#[derive(Debug)]
pub struct SignedIn {
    /// Whom the issuer named: the mail address, the user's name, or the subject.
    pub user: String,
    /// When the id token ends.
    pub expires_at: Millis,
    /// Whether it is renewed without the person.
    pub renews: bool,
    /// What the vault keeps.
    pub value: SecretBytes,
}

/// Where a sign-in stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SignInState {
    /// The issuer's URL.
    pub issuer: String,
    /// Whom it named, when somebody is signed in.
    pub user: Option<String>,
    /// When the id token ends.
    pub expires_at: Option<Millis>,
    /// Whether it is renewed without the person.
    pub renews: bool,
    /// Whether a person has to sign in before the cluster can be used.
    pub needed: bool,
}

/// What became of the tokens at the issuer when a person signed out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "revoked")]
pub enum Revocation {
    /// There were none.
    Nothing,
    /// The issuer withdrew them.
    Done,
    /// The issuer does not offer that: they end by themselves.
    NotOffered,
    /// The issuer was asked and did not do it.
    Failed {
        /// Why.
        why: Text,
    },
}
