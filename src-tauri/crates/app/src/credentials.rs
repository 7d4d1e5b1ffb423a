//! Credentials for other programs: who may have one, for which server, how often, and what is written down about it.
//!
//! **Invariant:** a credential leaves only for the server that its cluster is pinned to, only to a program that a person agreed to, and
//! only after a row about it is on the disk.

mod asking;
mod consents;
mod faults;
mod lock;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::Json;
use domain::audit::{Durability, Entry, Event, Filter};
use domain::cluster::{ClusterAuth, ClusterDef, Clusters, Consent, ConsentAnswer};
use domain::exec_credential::{ExecCluster, ExecInfo, write_answer};
use domain::fault::Fault;
use domain::id::{Clock, ClusterId, Millis};
use domain::pem;
use domain::policy::Actor;
use domain::ports::{AuditLog, Settings};
use domain::reach::ClusterReach;
use domain::secret::Secret;
use serde_json::json;
use url::Url;

pub use consents::ConsentView;
pub(crate) use lock::LockBell;

use crate::core::Core;
use crate::event::{Events, Tag};
use asking::{Asking, Outcome};
use faults::{denied, locked, no_info, no_such, nobody_agreed, not_sayable, other_server, too_often, unanswered, unknown_caller};

/// A program may ask so often within [`MINUTE`].
const MOST_A_MINUTE: usize = 30;
const MINUTE: i64 = 60_000;
/// A caller asks again after this time at the latest, so that taking a consent back has an effect.
const LONGEST: i64 = 600_000;
const QUARTER: i64 = 900_000;
/// One request is asked about so often at most: somebody else may use up what was said.
const ROUNDS: usize = 3;

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
    /// Asks people; none where nobody can be asked.
    asking: Option<Arc<Asking>>,
    /// Tells the window what changed.
    events: Option<Events>,
    bell: LockBell,
    /// How many requests of a program are on their way: those that ask at once must not all find room under the limit.
    under_way: Arc<Mutex<HashMap<String, usize>>>,
    /// When the last program that is not ours was written down.
    stranger: Arc<Mutex<Option<Millis>>>,
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

/// A request that was not answered.
enum Stop {
    /// Why not, and for which cluster.
    Refused(Fault, Option<ClusterDef>),
    /// It was refused for its number, and that was written down within this minute.
    Again(Fault),
    /// Nobody said anything about this program yet.
    Unknown(ClusterDef, Caller),
}

/// One request of a program, for as long as this lives.
struct UnderWay {
    counts: Arc<Mutex<HashMap<String, usize>>>,
    program: String,
}

impl UnderWay {
    /// How many others of the same program are on their way.
    fn others(&self) -> usize {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner).get(&self.program).map_or(0, |count| count - 1)
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(&self.program) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.program);
            }
        }
    }
}

impl Credentials {
    /// Over these parts, where nobody can be asked.
    pub fn new(parts: CredentialsParts) -> Self {
        Self { parts, asking: None, events: None, bell: LockBell::default(), under_way: Arc::default(), stranger: Arc::default() }
    }

    /// Of the whole app: its door's person is asked.
    pub(crate) fn of(core: &Core) -> Self {
        let ports = &core.ports;
        let parts = CredentialsParts {
            clusters: ports.clusters.clone(),
            settings: ports.settings.clone(),
            audit: ports.audit.clone(),
            reach: ports.reach.clone(),
            clock: core.clock.clone(),
        };
        let person = core.door_person.clone().unwrap_or_else(|| Arc::new(core.questions.clone()));
        Self {
            asking: Some(Arc::new(Asking::new(person, core.tasks.clone()))),
            events: Some(core.events.clone()),
            bell: core.lock_bell.clone(),
            ..Self::new(parts)
        }
    }

    /// The document for a caller, or why it gets none. Both are written down. Where somebody can be asked about a program of which nothing
    /// was said, it takes as long as they think.
    pub async fn issue(&self, order: &CredentialOrder) -> Result<Secret, Fault> {
        let way = order.caller.as_ref().map(|caller| self.sets_out(&caller.program));
        let mut rounds = 0;
        // After each answer everything is looked at anew: what was locked, changed or removed meanwhile counts.
        loop {
            let (cluster, caller) = match self.decide(order, way.as_ref()).await {
                Ok(answer) => return Ok(answer),
                Err(Stop::Again(fault)) => return Err(fault),
                Err(Stop::Refused(fault, cluster)) => return Err(self.refused(order, cluster.as_ref(), fault).await),
                Err(Stop::Unknown(cluster, caller)) => (cluster, caller),
            };
            rounds += 1;
            let fault = match &self.asking {
                Some(asking) if rounds <= ROUNDS => match asking.ask(self, &cluster, &caller, &order.actor).await {
                    Outcome::Said => continue,
                    Outcome::Nobody => unanswered(&cluster, &caller, &order.pilot),
                    Outcome::Locked => locked(&cluster),
                    Outcome::Full => nobody_agreed(&cluster, &caller, &order.pilot),
                    Outcome::Failed(fault) => *fault,
                },
                _ => nobody_agreed(&cluster, &caller, &order.pilot),
            };
            return Err(self.refused(order, Some(&cluster), fault).await);
        }
    }

    async fn decide(&self, order: &CredentialOrder, way: Option<&UnderWay>) -> Result<Secret, Stop> {
        let failed = |fault| Stop::Refused(fault, None);
        let all = self.parts.clusters.clusters().await.map_err(failed)?;
        let Some(cluster) = all.into_iter().find(|cluster| cluster.id == order.cluster) else {
            return Err(failed(no_such(order.cluster.as_str())));
        };
        let stop = |fault| Stop::Refused(fault, Some(cluster.clone()));
        if self.locked().await.map_err(stop)? {
            return Err(stop(locked(&cluster)));
        }
        let Some(caller) = &order.caller else { return Err(stop(unknown_caller(&cluster))) };
        let said = order.info.as_deref().filter(|info| !info.is_empty()).ok_or_else(|| stop(no_info(&cluster)))?;
        let info = ExecInfo::read(said).map_err(stop)?;
        let asked = info.cluster.as_ref().ok_or_else(|| stop(no_info(&cluster)))?;
        if let Some(field) = difference(asked, &cluster) {
            return Err(stop(other_server(&cluster, asked, field)));
        }
        let recent = self.recent(caller).await.map_err(stop)?;
        let refused_so = |code: &Option<String>| code.as_deref() == Some("credential_rate");
        if recent.iter().filter(|code| !refused_so(code)).count() + way.map_or(0, UnderWay::others) >= MOST_A_MINUTE {
            let fault = too_often(&cluster, caller);
            return Err(if recent.iter().any(refused_so) { Stop::Again(fault) } else { stop(fault) });
        }
        let standing = standing(&self.parts.clusters.consents().await.map_err(stop)?, caller, &cluster.id, self.now());
        let sayable = !matches!(cluster.auth, ClusterAuth::Basic { .. } | ClusterAuth::Anonymous);
        match standing {
            Standing::No => return Err(stop(denied(&cluster, caller))),
            Standing::Nothing if sayable || self.asking.is_none() => return Err(Stop::Unknown(cluster, caller.clone())),
            // Nobody is asked for what cannot be given.
            _ if !sayable => return Err(stop(not_sayable(&cluster))),
            Standing::Nothing | Standing::Yes | Standing::YesOnce(_) => {}
        }
        let credential = self.parts.reach.credential(&cluster).await.map_err(stop)?;
        // Making one may have taken a while.
        if self.locked().await.map_err(stop)? {
            return Err(stop(locked(&cluster)));
        }
        let now = self.now();
        let until = Millis(credential.expires_at.map_or(i64::MAX, |end| end.0).min(now.0 + LONGEST));
        let answer = write_answer(&info.api_version, &credential, &moment(until)).ok_or_else(|| stop(not_sayable(&cluster)))?;
        if let Standing::YesOnce(consent) = standing {
            if !self.parts.clusters.spend_consent(&consent).await.map_err(stop)? {
                // Another caller was quicker.
                return Err(Stop::Unknown(cluster, caller.clone()));
            }
            self.changed(Tag::Settings);
        }
        let detail = json!({
            "cluster": cluster.name, "clusterId": cluster.id, "program": caller.program, "sha256": caller.sha256,
            "auth": cluster.auth.word(), "until": until,
        });
        self.note(&order.actor, Some(&cluster), "credential_issued", detail).await.map_err(stop)?;
        Ok(answer)
    }

    fn sets_out(&self, program: &str) -> UnderWay {
        *self.under_way.lock().unwrap_or_else(PoisonError::into_inner).entry(program.to_owned()).or_default() += 1;
        UnderWay { counts: self.under_way.clone(), program: program.to_owned() }
    }

    /// Writes down that a program came to the door that is not ours: once a minute at most.
    pub async fn stranger(&self, program: Option<&str>, by: &Actor) {
        let now = self.now();
        {
            let mut last = self.stranger.lock().unwrap_or_else(PoisonError::into_inner);
            if last.is_some_and(|last| now.since(last) < MINUTE) {
                return;
            }
            *last = Some(now);
        }
        let detail = json!({ "program": program, "code": "not_pilot" });
        if let Err(fault) = self.note(by, None, "credential_refused", detail).await {
            tracing::warn!(%fault, "a refusal could not be written down");
        }
    }

    fn now(&self) -> Millis {
        self.parts.clock.now()
    }

    /// The codes (none for a credential that was given) of what this caller got within the last minute.
    async fn recent(&self, caller: &Caller) -> Result<Vec<Option<String>>, Fault> {
        let from = Millis(self.now().0 - MINUTE);
        // Notes only: a thousand calls of tools must not push them out of the answer.
        let filter = Filter { from: Some(from), ending: Some("note".into()), limit: 1_000, ..Filter::default() };
        let rows = self.parts.audit.list(filter).await?;
        let of_caller = |row: domain::audit::Row| match row.entry.event {
            Event::Note { what, detail } if what == "credential_issued" || what == "credential_refused" => {
                let same = detail.get("program").and_then(Json::as_str) == Some(caller.program.as_str());
                same.then(|| detail.get("code").and_then(Json::as_str).map(str::to_owned))
            }
            _ => None,
        };
        Ok(rows.into_iter().filter_map(of_caller).collect())
    }

    /// Writes a refusal down.
    async fn refused(&self, order: &CredentialOrder, cluster: Option<&ClusterDef>, fault: Fault) -> Fault {
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
        self.parts.audit.append(entry, Durability::OnDisk).await?;
        self.changed(Tag::Activity);
        Ok(())
    }

    fn changed(&self, tag: Tag) {
        if let Some(events) = &self.events {
            events.changed(tag);
        }
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
}
