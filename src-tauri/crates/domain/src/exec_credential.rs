//! The document that kubectl and a credential program pass between them (`client.authentication.k8s.io`), in both directions.
//!
//! **Invariant:** no fault made here repeats a piece of the document: it may be the secret.

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::fault::{Fault, FaultKind};
use crate::id::Millis;
use crate::reach::ClusterCredential;
use crate::secret::Secret;
use crate::text::Text;

/// The variable in which a program is told what it is asked for.
pub const EXEC_INFO: &str = "KUBERNETES_EXEC_INFO";
/// The versions that are spoken.
pub const VERSIONS: [&str; 2] = ["client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1beta1"];
/// No honest request or answer is larger.
const LARGEST: usize = 1024 * 1024;

/// What a program is told: `spec` of the request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExecInfo {
    /// The version that was asked in, and that is answered in.
    pub api_version: String,
    /// The cluster it is for, when the caller says so.
    pub cluster: Option<ExecCluster>,
}

/// The cluster a credential is for, as the caller has it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct ExecCluster {
    /// The API server's URL.
    pub server: String,
    /// The name to expect in its certificate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls_server_name: Option<String>,
    /// Whether its certificate goes unchecked.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub insecure_skip_tls_verify: bool,
    /// The authorities (base64 of PEM).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certificate_authority_data: Option<String>,
    /// The proxy on the way.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proxy_url: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RequestDoc {
    kind: String,
    api_version: String,
    #[serde(default)]
    spec: SpecDoc,
}

#[derive(Default, Deserialize)]
struct SpecDoc {
    #[serde(default)]
    cluster: Option<ExecCluster>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AnswerDoc {
    kind: String,
    api_version: String,
    status: Option<StatusDoc>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct StatusDoc {
    expiration_timestamp: Option<String>,
    token: Option<Secret>,
    client_certificate_data: Option<String>,
    client_key_data: Option<Secret>,
}

impl ExecInfo {
    /// Reads what a caller put into [`EXEC_INFO`].
    pub fn read(text: &str) -> Result<Self, Fault> {
        if text.len() > LARGEST {
            return Err(bad_info("it is larger than 1 MiB", "超过 1 MiB"));
        }
        let doc: RequestDoc =
            serde_json::from_str(text).map_err(|_| bad_info("it is no ExecCredential in JSON", "它不是 JSON 格式的 ExecCredential"))?;
        if doc.kind != "ExecCredential" {
            return Err(bad_info("its kind is not ExecCredential", "其 kind 不是 ExecCredential"));
        }
        if !VERSIONS.contains(&doc.api_version.as_str()) {
            return Err(bad_info(
                "its version is neither client.authentication.k8s.io/v1 nor v1beta1",
                "其版本既不是 client.authentication.k8s.io/v1 也不是 v1beta1",
            ));
        }
        Ok(Self { api_version: doc.api_version, cluster: doc.spec.cluster })
    }

    /// What a program that we run is told.
    pub fn write(&self) -> String {
        let mut spec = json!({ "interactive": false });
        if let (Some(cluster), Some(spec)) = (&self.cluster, spec.as_object_mut()) {
            spec.insert("cluster".into(), serde_json::to_value(cluster).unwrap_or_default());
        }
        json!({ "kind": "ExecCredential", "apiVersion": self.api_version, "spec": spec }).to_string()
    }
}

fn bad_info(en: &str, zh: &str) -> Fault {
    Fault::new(
        FaultKind::Usage,
        "exec_info",
        Text::new(format!("what {EXEC_INFO} says cannot be used: {en}"), format!("{EXEC_INFO} 的内容无法使用：{zh}")),
        Text::new(
            "This command is called by kubectl and other Kubernetes clients; they set the variable. Update the client if it does.",
            "该命令由 kubectl 等 Kubernetes 客户端调用，并由它们设置此变量。若已设置，请升级该客户端。",
        ),
    )
}

/// Reads what a plugin printed. `moment` reads an RFC 3339 time. The reason of a refusal is in both languages and names no value.
pub fn read_answer(text: &[u8], api_version: &str, moment: impl Fn(&str) -> Option<Millis>) -> Result<ClusterCredential, Text> {
    let doc: AnswerDoc =
        serde_json::from_slice(text).map_err(|_| Text::new("it is no ExecCredential in JSON", "它不是 JSON 格式的 ExecCredential"))?;
    if doc.kind != "ExecCredential" {
        return Err(Text::new("its kind is not ExecCredential", "其 kind 不是 ExecCredential"));
    }
    if doc.api_version != api_version {
        return Err(Text::new(format!("its apiVersion is not {api_version}"), format!("其 apiVersion 不是 {api_version}")));
    }
    let status = doc.status.ok_or_else(|| Text::new("it has no status", "缺少 status"))?;
    let expires_at = match status.expiration_timestamp {
        None => None,
        Some(text) => Some(
            moment(&text)
                .ok_or_else(|| Text::new("its expirationTimestamp is no RFC 3339 time", "其 expirationTimestamp 不是 RFC 3339 时间"))?,
        ),
    };
    let certificate = match (status.client_certificate_data, status.client_key_data) {
        (Some(chain), Some(key)) if !chain.is_empty() && !key.is_empty() => Some((chain, key)),
        (None, None) => None,
        _ => return Err(Text::new("it has a client certificate without a key, or the other way round", "客户端证书与私钥未成对出现")),
    };
    let token = status.token.filter(|token| !token.is_empty());
    let found = ClusterCredential { token, certificate, basic: None, expires_at };
    if found.is_empty() {
        return Err(Text::new("it holds neither a token nor a client certificate", "既没有令牌也没有客户端证书"));
    }
    Ok(found)
}

/// What is answered to a caller, or none when the credential cannot be said in this document (a name with a password).
/// `until` is when the caller must ask again, as an RFC 3339 time.
pub fn write_answer(api_version: &str, credential: &ClusterCredential, until: &str) -> Option<Secret> {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Status<'c> {
        expiration_timestamp: &'c str,
        #[serde(skip_serializing_if = "Option::is_none")]
        token: Option<&'c str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        client_certificate_data: Option<&'c str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        client_key_data: Option<&'c str>,
    }
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Doc<'c> {
        kind: &'static str,
        api_version: &'c str,
        status: Status<'c>,
    }
    if credential.token.is_none() && credential.certificate.is_none() {
        return None;
    }
    let status = Status {
        expiration_timestamp: until,
        token: credential.token.as_ref().map(Secret::expose),
        client_certificate_data: credential.certificate.as_ref().map(|(chain, _)| chain.as_str()),
        client_key_data: credential.certificate.as_ref().map(|(_, key)| key.expose()),
    };
    serde_json::to_string(&Doc { kind: "ExecCredential", api_version, status }).ok().map(Secret::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    const V1: &str = VERSIONS[0];

    fn moment(text: &str) -> Option<Millis> {
        (text == "2030-01-01T00:00:00Z").then_some(Millis(7))
    }

    #[test]
    fn a_request_comes_back_as_it_was_written() {
        let cluster = ExecCluster {
            server: "https://api.example:6443".into(),
            tls_server_name: Some("kube".into()),
            insecure_skip_tls_verify: true,
            certificate_authority_data: Some("QUJD".into()),
            proxy_url: None,
        };
        for version in VERSIONS {
            for cluster in [None, Some(cluster.clone()), Some(ExecCluster { server: "https://x".into(), ..ExecCluster::default() })] {
                let info = ExecInfo { api_version: version.to_owned(), cluster };
                assert_eq!(ExecInfo::read(&info.write()).unwrap(), info);
            }
        }
        let written = ExecInfo { api_version: V1.into(), cluster: Some(cluster) }.write();
        for name in ["certificate-authority-data", "tls-server-name", "insecure-skip-tls-verify"] {
            assert!(written.contains(name), "client-go spells it so: {written}");
        }
    }

    #[test]
    fn a_request_that_makes_no_sense_is_refused_without_being_repeated() {
        let large = format!("{{\"kind\":\"{}\"}}", "x".repeat(LARGEST));
        for bad in [
            "",
            "canary",
            "[]",
            r#"{"kind":"canary","apiVersion":"client.authentication.k8s.io/v1"}"#,
            r#"{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1alpha1"}"#,
            r#"{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1","spec":{"cluster":"canary"}}"#,
            &large,
        ] {
            let fault = ExecInfo::read(bad).unwrap_err();
            assert_eq!(fault.code, "exec_info");
            assert!(!format!("{fault:?}").contains("canary"));
        }
    }

    #[test]
    fn an_answer_is_read_and_what_is_wrong_with_one_is_said_without_its_content() {
        let answer = |status: &str| format!(r#"{{"kind":"ExecCredential","apiVersion":"{V1}","status":{status}}}"#);
        let read = |text: &str| read_answer(text.as_bytes(), V1, moment);
        let both = read(&answer(
            r#"{"token":"canary","clientCertificateData":"C","clientKeyData":"K","expirationTimestamp":"2030-01-01T00:00:00Z"}"#,
        ))
        .unwrap();
        assert_eq!(both.token.as_ref().unwrap().expose(), "canary");
        assert_eq!(both.certificate.as_ref().unwrap().1.expose(), "K");
        assert_eq!(both.expires_at, Some(Millis(7)));
        assert!(!format!("{both:?}").contains("canary"));
        for (bad, why) in [
            ("canary".to_owned(), "no ExecCredential"),
            (answer("null"), "no status"),
            (answer("{}"), "neither"),
            (answer(r#"{"token":""}"#), "neither"),
            (answer(r#"{"clientKeyData":"canary"}"#), "without a key"),
            (answer(r#"{"token":"canary","expirationTimestamp":"canary"}"#), "RFC 3339"),
            (answer(r#"{"token":"canary"}"#).replace("v1", "v1beta1"), "apiVersion"),
            (answer(r#"{"token":"canary"}"#).replace("ExecC", "C"), "kind"),
        ] {
            let text = read(&bad).unwrap_err();
            assert!(text.en.contains(why) && !text.en.contains("canary"), "{bad}: {}", text.en);
        }
    }

    #[test]
    fn what_is_answered_can_be_read_by_the_rules_for_plugins() {
        let given = ClusterCredential {
            token: Some(Secret::new("t\"oken")),
            certificate: Some(("chain".into(), Secret::new("key"))),
            ..ClusterCredential::default()
        };
        let written = write_answer(VERSIONS[1], &given, "2030-01-01T00:00:00Z").unwrap();
        let read = read_answer(written.expose().as_bytes(), VERSIONS[1], moment).unwrap();
        assert_eq!(read.token.unwrap().expose(), "t\"oken");
        assert_eq!(read.certificate.unwrap().0, "chain");
        assert_eq!(read.expires_at, Some(Millis(7)));
        let basic = ClusterCredential { basic: Some(("ann".into(), Secret::new("pw"))), ..ClusterCredential::default() };
        assert!(write_answer(V1, &basic, "x").is_none(), "a password cannot be said in this document");
    }
}
