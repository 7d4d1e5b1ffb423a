//! Signing in to a cluster at its issuer.
//!
//! **Invariant:** no token goes out; the code of a device is for the person and opens nothing by itself.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::common::Words;

/// Signs a person in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct ClusterLoginReq {
    /// The cluster.
    pub id: String,
    /// Whether a code is typed on any device, instead of a browser on this machine.
    pub device: bool,
}

/// What a person has to do now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum LoginStepView {
    /// The issuer's page was opened, or is to be opened by the person.
    Page {
        /// Its address.
        url: String,
        /// Whether it was handed to the browser.
        opened: bool,
    },
    /// A code is to be typed.
    #[serde(rename_all = "camelCase")]
    Code {
        /// Where.
        page: String,
        /// The same with the code in it.
        page_with_code: Option<String>,
        /// The code.
        code: String,
        /// Until then it counts (ms).
        expires_at: i64,
    },
}

/// Somebody is signed in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct LoggedInView {
    /// Whom the issuer named.
    pub user: String,
    /// When the id token ends (ms).
    pub expires_at: i64,
    /// Whether it is renewed without the person.
    pub renews: bool,
}

/// Where a sign-in stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct SignInView {
    /// The issuer.
    pub issuer: String,
    /// Whom it named.
    pub user: Option<String>,
    /// When the id token ends (ms).
    pub expires_at: Option<i64>,
    /// Whether it is renewed without the person.
    pub renews: bool,
    /// Whether a person has to sign in.
    pub needed: bool,
}

/// Somebody is signed out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct LoggedOutView {
    /// What became of the tokens at the issuer: `nothing`, `done`, `not_offered`, `failed`.
    pub revoked: String,
    /// Why it failed.
    pub why: Option<Words>,
}
