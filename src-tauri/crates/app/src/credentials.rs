//! Credentials for other programs: who may have one, for which server, how often, and what is written down about it.
//!
//! **Invariant:** a credential leaves only for the server that its cluster is pinned to, only to a program that a person agreed to, and
//! only after a row about it is on the disk.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::Json;
use domain::audit::{Durability, Entry, Event, Filter};
use domain::cluster::{ClusterAuth, ClusterDef, Clusters, Consent, ConsentAnswer};
use domain::exec_credential::{EXEC_INFO, ExecCluster, ExecInfo, write_answer};
use domain::fault::{Fault, FaultKind};
use domain::id::{Clock, ClusterId, Millis};
use domain::pem;
use domain::policy::Actor;
use domain::ports::{AuditLog, Settings};
use domain::reach::{CLUSTERS_LOCKED, ClusterReach};
use domain::secret::Secret;
use domain::text::Text;
use serde_json::json;
use url::Url;

use crate::core::Core;

/// A program may ask so often within [`MINUTE`].
const MOST_A_MINUTE: usize = 30;
const MINUTE: i64 = 60_000;
/// A caller asks again after this time at the latest, so that taking a consent back has an effect.
const LONGEST: i64 = 600_000;
const QUARTER: i64 = 900_000;

/// What this stands on. No more than this is opened, because it stands in front of every kubectl.
#[derive(Debug, Clone)]
pub struct CredentialsParts {
    /// Clusters and consents.
    pub clusters: Arc<dyn Clusters>,
    /// Whether everything is locked.
    pub settings: Arc<dyn Settings>,
    /// What was given to whom.
    pub audit: Arc<dyn AuditLog>,
    /// Makes credentials.
    pub reach: Arc<dyn ClusterReach>,
    /// Time.
    pub clock: Arc<dyn Clock>,
}

/// Gives credentials to other programs.
#[derive(Debug, Clone)]
pub struct Credentials {
    parts: CredentialsParts,
}

/// The program that asks, as the system tells it, not as it says itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// Its file, every link resolved.
    pub program: String,
    /// SHA-256 of that file, in hex.
    pub sha256: String,
}

/// One request.
#[derive(Debug, Clone)]
pub struct CredentialOrder {
    /// For which cluster.
    pub cluster: ClusterId,
    /// What the caller put into `KUBERNETES_EXEC_INFO`.
    pub info: Option<String>,
    /// Who calls; none when the system does not tell.
    pub caller: Option<Caller>,
    /// As whom it is written down.
    pub actor: Actor,
    /// How our own command is called, for hints: `pilot`, or with the words that name another configuration folder.
    pub pilot: String,
}

/// How long a yes holds, or that it is a no.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConsentFor {
    /// The next time, once.
    Once,
    /// Fifteen minutes.
    Quarter,
    /// As long as the program stays the same.
    Always,
    /// Never.
    Deny,
}

/// What the kept consents say about a caller.
enum Standing {
    Yes,
    YesOnce(Consent),
    No,
    Nothing,
}

impl Credentials {
    /// Over these parts.
    pub fn new(parts: CredentialsParts) -> Self {
        Self { parts }
    }

    /// The document for a caller, or why it gets none. Both are written down.
    pub async fn issue(&self, order: &CredentialOrder) -> Result<Secret, Fault> {
        let cluster = self.parts.clusters.clusters().await?.into_iter().find(|cluster| cluster.id == order.cluster);
        let Some(cluster) = cluster else {
            let fault = no_such(order.cluster.as_str());
            return Err(self.refused(order, None, fault).await);
        };
        match self.decide(order, &cluster).await {
            Ok(answer) => Ok(answer),
            Err(fault) => Err(self.refused(order, Some(&cluster), fault).await),
        }
    }

    async fn decide(&self, order: &CredentialOrder, cluster: &ClusterDef) -> Result<Secret, Fault> {
        if self.parts.settings.get(CLUSTERS_LOCKED).await? == Some(Json::Bool(true)) {
            return Err(locked(cluster));
        }
        let Some(caller) = &order.caller else { return Err(unknown_caller(cluster)) };
        let info = ExecInfo::read(order.info.as_deref().filter(|info| !info.is_empty()).ok_or_else(|| no_info(cluster))?)?;
        let asked = info.cluster.as_ref().ok_or_else(|| no_info(cluster))?;
        if let Some(field) = difference(asked, cluster) {
            return Err(other_server(cluster, asked, field));
        }
        let recent = self.recent(caller).await?;
        if recent.iter().filter(|code| code.as_deref() != Some("credential_rate")).count() >= MOST_A_MINUTE {
            return Err(too_often(cluster, caller));
        }
        let standing = standing(&self.parts.clusters.consents().await?, caller, &cluster.id, self.now());
        match standing {
            Standing::No => return Err(denied(cluster, caller)),
            Standing::Nothing => return Err(nobody_agreed(cluster, caller, &order.pilot)),
            Standing::Yes | Standing::YesOnce(_) => {}
        }
        if matches!(cluster.auth, ClusterAuth::Basic { .. } | ClusterAuth::Anonymous) {
            return Err(not_sayable(cluster));
        }
        let credential = self.parts.reach.credential(cluster).await?;
        let now = self.now();
        let until = Millis(credential.expires_at.map_or(i64::MAX, |end| end.0).min(now.0 + LONGEST));
        let answer = write_answer(&info.api_version, &credential, &moment(until)).ok_or_else(|| not_sayable(cluster))?;
        if let Standing::YesOnce(consent) = standing
            && !self.parts.clusters.spend_consent(&consent).await?
        {
            // Another caller was quicker.
            return Err(nobody_agreed(cluster, caller, &order.pilot));
        }
        let detail = json!({
            "cluster": cluster.name, "program": caller.program, "sha256": caller.sha256, "auth": cluster.auth.word(), "until": until,
        });
        self.note(&order.actor, Some(cluster), "credential_issued", detail).await?;
        Ok(answer)
    }

    /// Keeps what a person said about a program.
    pub async fn consent(&self, caller: &Caller, answer: ConsentFor, cluster: Option<&str>, by: &Actor) -> Result<Consent, Fault> {
        let cluster = match cluster {
            None => None,
            Some(name) => {
                let all = self.parts.clusters.clusters().await?;
                let found = all.into_iter().find(|cluster| cluster.name == name || cluster.id.as_str() == name);
                Some(found.ok_or_else(|| no_such(name))?)
            }
        };
        let now = self.now();
        let answer = match answer {
            ConsentFor::Once => ConsentAnswer::Once,
            ConsentFor::Quarter => ConsentAnswer::Until { until: Millis(now.0 + QUARTER) },
            ConsentFor::Always => ConsentAnswer::Always,
            ConsentFor::Deny => ConsentAnswer::Deny,
        };
        let consent = Consent {
            program: caller.program.clone(),
            sha256: caller.sha256.clone(),
            cluster: cluster.as_ref().map(|cluster| cluster.id.clone()),
            answer,
            at: now,
        };
        // Written down first: a consent that nobody can find in the log must not exist.
        let detail =
            json!({ "program": caller.program, "sha256": caller.sha256, "consent": answer, "cluster": cluster.as_ref().map(|c| &c.name) });
        self.note(by, cluster.as_ref(), "consent_given", detail).await?;
        self.parts.clusters.put_consent(&consent).await?;
        Ok(consent)
    }

    fn now(&self) -> Millis {
        self.parts.clock.now()
    }

    /// The codes (none for a credential that was given) of what this caller got within the last minute.
    async fn recent(&self, caller: &Caller) -> Result<Vec<Option<String>>, Fault> {
        let from = Millis(self.now().0 - MINUTE);
        let rows = self.parts.audit.list(Filter { from: Some(from), limit: 1_000, ..Filter::default() }).await?;
        let of_caller = |row: domain::audit::Row| match row.entry.event {
            Event::Note { what, detail } if what == "credential_issued" || what == "credential_refused" => {
                let same = detail.get("program").and_then(Json::as_str) == Some(caller.program.as_str());
                same.then(|| detail.get("code").and_then(Json::as_str).map(str::to_owned))
            }
            _ => None,
        };
        Ok(rows.into_iter().filter_map(of_caller).collect())
    }

    /// Writes a refusal down. Of a caller that does not stop asking, only the first one a minute.
    async fn refused(&self, order: &CredentialOrder, cluster: Option<&ClusterDef>, fault: Fault) -> Fault {
        if let (Some(caller), true) = (&order.caller, fault.code == "credential_rate")
            && self.recent(caller).await.is_ok_and(|recent| recent.iter().any(|code| code.as_deref() == Some("credential_rate")))
        {
            return fault;
        }
        let detail = json!({
            "cluster": cluster.map_or(order.cluster.as_str(), |cluster| cluster.name.as_str()),
            "program": order.caller.as_ref().map(|caller| &caller.program),
            "sha256": order.caller.as_ref().map(|caller| &caller.sha256),
            "code": fault.code,
        });
        match self.note(&order.actor, cluster, "credential_refused", detail).await {
            Ok(()) => fault,
            Err(worse) => worse,
        }
    }

    async fn note(&self, by: &Actor, cluster: Option<&ClusterDef>, what: &str, detail: Json) -> Result<(), Fault> {
        let entry = Entry {
            id: Core::audit_id(),
            at: self.now(),
            actor: by.clone(),
            server: None,
            server_name: cluster.map_or_else(String::new, |cluster| cluster.name.clone()),
            server_fingerprint: String::new(),
            event: Event::Note { what: what.to_owned(), detail },
        };
        self.parts.audit.append(entry, Durability::OnDisk).await
    }
}

/// A moment as Kubernetes writes it.
fn moment(at: Millis) -> String {
    // Days since the epoch to a date, by the civil calendar (the year begins in March, so that leap days come last).
    let (days, seconds) = (at.0.div_euclid(86_400_000), at.0.rem_euclid(86_400_000) / 1_000);
    let shifted = days + 719_468;
    let (era, day) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year_of_era = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day_of_year = day - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * day_of_year + 2) / 153;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    let date = day_of_year - (153 * from_march + 2) / 5 + 1;
    format!("{year:04}-{month:02}-{date:02}T{:02}:{:02}:{:02}Z", seconds / 3_600, seconds / 60 % 60, seconds % 60)
}

/// What the kept consents say. A no counts for the program wherever it lies, whatever it became; a yes for exactly this file.
fn standing(consents: &[Consent], caller: &Caller, cluster: &ClusterId, now: Millis) -> Standing {
    let about =
        || consents.iter().filter(|kept| kept.program == caller.program && kept.cluster.as_ref().is_none_or(|only| only == cluster));
    if about().any(|kept| kept.answer == ConsentAnswer::Deny) {
        return Standing::No;
    }
    let same = || about().filter(|kept| kept.sha256 == caller.sha256);
    let holds = |kept: &Consent| match kept.answer {
        ConsentAnswer::Always => true,
        ConsentAnswer::Until { until } => now < until && kept.at <= now,
        ConsentAnswer::Once | ConsentAnswer::Deny => false,
    };
    if same().any(holds) {
        return Standing::Yes;
    }
    same().find(|kept| kept.answer == ConsentAnswer::Once).map_or(Standing::Nothing, |kept| Standing::YesOnce(kept.clone()))
}

/// The first field in which what the caller wants to talk to differs from what the cluster is pinned to.
fn difference(asked: &ExecCluster, cluster: &ClusterDef) -> Option<&'static str> {
    let filled = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
    let (Some(theirs), Some(ours)) = (place(&asked.server), place(&cluster.server)) else { return Some("server") };
    if theirs != ours {
        return Some("server");
    }
    if filled(&asked.tls_server_name) != filled(&cluster.tls_server_name) {
        return Some("tls-server-name");
    }
    if asked.insecure_skip_tls_verify != cluster.insecure {
        return Some("insecure-skip-tls-verify");
    }
    let theirs = match filled(&asked.certificate_authority_data) {
        None => None,
        Some(data) => match STANDARD.decode(data).ok().and_then(|bytes| String::from_utf8(bytes).ok()) {
            Some(text) => Some(authorities(&text)),
            None => return Some("certificate-authority-data"),
        },
    };
    if theirs != filled(&cluster.ca_pem).map(|text| authorities(&text)) {
        return Some("certificate-authority-data");
    }
    // Without a certificate that is checked, whoever stands in between reads the credential.
    let open = cluster.insecure || ours.0 == "http";
    let proxy = filled(&asked.proxy_url);
    if open && proxy.is_some() && proxy.as_deref().and_then(place) != cluster.proxy.as_ref().and_then(|proxy| place(&proxy.url)) {
        return Some("proxy-url");
    }
    None
}

/// The certificates of a bundle, whatever their order.
fn authorities(text: &str) -> Vec<String> {
    let mut all = pem::certificates(text);
    all.sort();
    all.dedup();
    all
}

/// Where an address leads: scheme, host, port and path.
fn place(url: &str) -> Option<(String, String, u16, String)> {
    let url = Url::parse(url).ok()?;
    Some((url.scheme().to_owned(), url.host_str()?.to_owned(), url.port_or_known_default()?, url.path().trim_end_matches('/').to_owned()))
}

fn refusal(cluster: &ClusterDef, code: &str, message: Text, hint: Text) -> Fault {
    Fault::new(FaultKind::Denied, code, message, hint).with_params(json!({ "cluster": cluster.name }))
}

fn no_such(name: &str) -> Fault {
    let name: String = name.chars().filter(|c| !c.is_control()).take(100).collect();
    Fault::new(
        FaultKind::NotFound,
        "no_such_cluster",
        Text::new(format!("there is no cluster {name}"), format!("没有集群 {name}")),
        Text::new("See them with: pilot cluster list", "用 pilot cluster list 查看已有集群"),
    )
}

fn locked(cluster: &ClusterDef) -> Fault {
    let name = &cluster.name;
    refusal(
        cluster,
        "clusters_locked",
        Text::new(format!("no credential for {name}: clusters are locked"), format!("未提供 {name} 的凭据：集群已锁定")),
        Text::new("Unlock them with: pilot cluster unlock", "用 pilot cluster unlock 解锁"),
    )
}

fn unknown_caller(cluster: &ClusterDef) -> Fault {
    let name = &cluster.name;
    refusal(
        cluster,
        "caller_unknown",
        Text::new(
            format!("no credential for {name}: it cannot be told which program asks"),
            format!("未提供 {name} 的凭据：无法确定是哪个程序在请求"),
        ),
        Text::new("Call it from kubectl or another client on this machine.", "请由本机的 kubectl 等客户端调用。"),
    )
}

fn no_info(cluster: &ClusterDef) -> Fault {
    let name = &cluster.name;
    refusal(
        cluster,
        "exec_info_missing",
        Text::new(
            format!("no credential for {name}: the caller does not say which server it is for ({EXEC_INFO})"),
            format!("未提供 {name} 的凭据：调用方未说明用于哪个服务器（{EXEC_INFO}）"),
        ),
        Text::new(
            "The kubeconfig's exec entry must say provideClusterInfo: true. Import it again with --rewrite to have it written.",
            "kubeconfig 的 exec 条目必须包含 provideClusterInfo: true。可用 --rewrite 重新导入以写入正确条目。",
        ),
    )
}

fn other_server(cluster: &ClusterDef, asked: &ExecCluster, field: &str) -> Fault {
    let name = &cluster.name;
    let theirs = place(&asked.server).map_or_else(|| "?".to_owned(), |(scheme, host, port, _)| format!("{scheme}://{host}:{port}"));
    let mut fault = refusal(
        cluster,
        "pin_mismatch",
        Text::new(
            format!("no credential for {name}: it belongs to {}, and the caller's {field} is another ({theirs})", cluster.server),
            format!("未提供 {name} 的凭据：它属于 {}，而调用方的 {field} 不同（{theirs}）", cluster.server),
        ),
        Text::new(
            "If the cluster moved, import its new kubeconfig. Else find out who wrote this one.",
            "如果集群已迁移，请导入新的 kubeconfig；否则请查明该文件的来源。",
        ),
    );
    fault.params = json!({ "cluster": name, "field": field, "asked": theirs });
    fault
}

fn too_often(cluster: &ClusterDef, caller: &Caller) -> Fault {
    let (name, program) = (&cluster.name, &caller.program);
    refusal(
        cluster,
        "credential_rate",
        Text::new(
            format!("no credential for {name}: {program} asked more than {MOST_A_MINUTE} times within a minute"),
            format!("未提供 {name} 的凭据：{program} 一分钟内请求超过 {MOST_A_MINUTE} 次"),
        ),
        Text::new("Wait a minute. A script should call kubectl less often.", "请等待一分钟。脚本应减少调用 kubectl 的次数。"),
    )
}

fn denied(cluster: &ClusterDef, caller: &Caller) -> Fault {
    let (name, program) = (&cluster.name, &caller.program);
    refusal(
        cluster,
        "consent_denied",
        Text::new(format!("no credential for {name}: you denied it to {program}"), format!("未提供 {name} 的凭据：您已拒绝 {program}")),
        Text::new("If you changed your mind, say so with pilot cluster consent.", "如需更改，请使用 pilot cluster consent。"),
    )
}

fn nobody_agreed(cluster: &ClusterDef, caller: &Caller, pilot: &str) -> Fault {
    let (name, program) = (&cluster.name, &caller.program);
    let command = format!("{pilot} cluster consent --program {} --for always --cluster {}", quoted(program), quoted(name));
    let mut fault = refusal(
        cluster,
        "consent_needed",
        Text::new(
            format!("no credential for {name}: nobody agreed yet that {program} may have it, and nobody can be asked here"),
            format!("未提供 {name} 的凭据：尚未许可 {program}，且此处无法询问"),
        ),
        Text::new(
            format!("If it may, run: {command}   (instead of always: once, 15m, deny)"),
            format!("如允许，请运行：{command}   （always 也可换成 once、15m、deny）"),
        ),
    );
    fault.params = json!({ "cluster": name, "program": program, "command": command });
    fault
}

fn not_sayable(cluster: &ClusterDef) -> Fault {
    let (name, word) = (&cluster.name, cluster.auth.word());
    Fault::new(
        FaultKind::Config,
        "credential_not_expressible",
        Text::new(
            format!("{name} signs in with {word}, which this protocol cannot pass on: it knows tokens and client certificates only"),
            format!("{name} 使用 {word} 登录，该协议无法传递：它只支持令牌和客户端证书"),
        ),
        Text::new("Use a token or a client certificate for kubectl.", "请为 kubectl 使用令牌或客户端证书。"),
    )
    .with_params(json!({ "cluster": name, "auth": word }))
}

/// A word as a shell takes it.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@%+,".contains(c);
    if !word.is_empty() && word.chars().all(plain) { word.to_owned() } else { format!("'{}'", word.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CA: &str = "-----BEGIN CERTIFICATE-----\nQUJD\n-----END CERTIFICATE-----\n";
    const CA_OTHER: &str = "-----BEGIN CERTIFICATE-----\nREVG\n-----END CERTIFICATE-----\n";

    fn cluster() -> ClusterDef {
        serde_json::from_value(json!({
            "id": "c1", "name": "prod", "server": "https://api.example", "caPem": CA, "insecure": false,
            "auth": { "kind": "anonymous" }, "readOnly": false, "createdAt": 0, "updatedAt": 0,
        }))
        .unwrap()
    }

    fn asked() -> ExecCluster {
        ExecCluster {
            server: "https://api.example:443/".into(),
            certificate_authority_data: Some(STANDARD.encode(CA.replace('\n', "\r\n"))),
            ..ExecCluster::default()
        }
    }

    #[test]
    fn b13_each_way_to_mean_another_server_is_told() {
        assert_eq!(difference(&asked(), &cluster()), None, "the same place, spelt otherwise");
        let ca = |text: &str| Some(STANDARD.encode(text));
        let differs = |change: &dyn Fn(&mut ExecCluster)| {
            let mut asked = asked();
            change(&mut asked);
            difference(&asked, &cluster())
        };
        for server in
            ["https://evil.example", "http://api.example", "https://api.example:6443", "https://api.example/other", "", "api.example"]
        {
            assert_eq!(differs(&|asked| asked.server = server.into()), Some("server"), "{server}");
        }
        assert_eq!(differs(&|asked| asked.tls_server_name = Some("evil".into())), Some("tls-server-name"));
        assert_eq!(differs(&|asked| asked.tls_server_name = Some(String::new())), None);
        assert_eq!(differs(&|asked| asked.insecure_skip_tls_verify = true), Some("insecure-skip-tls-verify"));
        for data in [None, Some(String::new()), ca(CA_OTHER), ca(&format!("{CA}{CA_OTHER}")), ca(""), Some("no base64!".into())] {
            assert_eq!(differs(&|asked| asked.certificate_authority_data = data.clone()), Some("certificate-authority-data"), "{data:?}");
        }
        assert_eq!(differs(&|asked| asked.proxy_url = Some("http://proxy".into())), None, "it sees nothing of what TLS hides");
        let system = ClusterDef { ca_pem: None, ..cluster() };
        assert_eq!(difference(&asked(), &system), Some("certificate-authority-data"), "an authority of the caller's own");
        let open = ClusterDef { server: "http://api.example".into(), ca_pem: None, ..cluster() };
        let plain = ExecCluster { server: open.server.clone(), ..ExecCluster::default() };
        assert_eq!(difference(&plain, &open), None);
        let through = ExecCluster { proxy_url: Some("http://evil".into()), ..plain };
        assert_eq!(difference(&through, &open), Some("proxy-url"), "it would read everything");
    }

    #[test]
    fn a_no_wins_and_a_yes_is_for_exactly_this_file_and_time() {
        let caller = Caller { program: "/bin/k".into(), sha256: "aa".into() };
        let kept = |sha256: &str, cluster: Option<&str>, answer| Consent {
            program: "/bin/k".into(),
            sha256: sha256.into(),
            cluster: cluster.map(ClusterId::from),
            answer,
            at: Millis(0),
        };
        let (always, until, once, deny) =
            (ConsentAnswer::Always, ConsentAnswer::Until { until: Millis(50) }, ConsentAnswer::Once, ConsentAnswer::Deny);
        let word = |consents: &[Consent], now| match standing(consents, &caller, &"c1".into(), Millis(now)) {
            Standing::Yes => "yes",
            Standing::YesOnce(_) => "once",
            Standing::No => "no",
            Standing::Nothing => "nothing",
        };
        for (consents, now, expected) in [
            (vec![], 0, "nothing"),
            (vec![kept("aa", None, always)], 0, "yes"),
            (vec![kept("aa", Some("c1"), always)], 0, "yes"),
            (vec![kept("aa", Some("c2"), always)], 0, "nothing"),
            (vec![kept("bb", None, always)], 0, "nothing"),
            (vec![kept("aa", None, until)], 49, "yes"),
            (vec![kept("aa", None, until)], 50, "nothing"),
            (vec![kept("aa", None, until)], -1, "nothing"),
            (vec![kept("aa", None, once)], 0, "once"),
            (vec![kept("aa", None, once), kept("aa", Some("c1"), always)], 0, "yes"),
            (vec![kept("aa", Some("c1"), always), kept("aa", None, deny)], 0, "no"),
            (vec![kept("aa", None, always), kept("bb", Some("c1"), deny)], 0, "no"),
            (vec![kept("aa", None, always), kept("aa", Some("c2"), deny)], 0, "yes"),
        ] {
            assert_eq!(word(&consents, now), expected, "{consents:?} at {now}");
        }
    }

    #[test]
    fn a_moment_is_written_as_kubernetes_reads_it() {
        for (at, expected) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_399_999, "2000-02-28T23:59:59Z"),
            (951_782_400_000, "2000-02-29T00:00:00Z"),
            (1_709_164_800_000, "2024-02-29T00:00:00Z"),
            (1_795_356_000_000, "2026-11-22T14:00:00Z"),
            (4_107_542_400_000, "2100-03-01T00:00:00Z"),
        ] {
            assert_eq!(moment(Millis(at)), expected);
        }
    }

    #[test]
    fn a_hint_can_be_pasted_into_a_shell() {
        assert_eq!(quoted("/usr/bin/kubectl"), "/usr/bin/kubectl");
        assert_eq!(quoted("/My Apps/it's"), r"'/My Apps/it'\''s'");
    }
}
