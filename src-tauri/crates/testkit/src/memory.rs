//! Everything the app keeps, in memory: ports that behave, with switches for a disk that is full and a person who is away.

use std::collections::{BTreeMap, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use domain::audit::{Durability, Ending, Entry, Event, Filter, Row, Verified};
use domain::fault::{Fault, FaultKind};
use domain::id::{Clock, Millis, ServerId};
use domain::metrics::{Figures, MetricsQuery, Sample};
use domain::person::{Answer, Person, Question};
use domain::policy::Policy;
use domain::ports::{AuditLog, CachedCatalogue, Catalogues, History, Kept, MetricsLog, Opener, PastCall, Servers, Settings};
use domain::secret::{Expand, Redact, Secret};
use domain::server::{ServerDef, Trust};
use domain::text::Text;
use domain::tool::hex;
use domain::{Json, JsonMap};

/// A clock that stands until it is moved.
#[derive(Debug, Default)]
pub struct StillClock(AtomicI64);

impl StillClock {
    /// Standing at a moment.
    pub fn at(millis: i64) -> Arc<Self> {
        Arc::new(Self(AtomicI64::new(millis)))
    }

    /// Moves it on.
    pub fn advance(&self, millis: i64) {
        self.0.fetch_add(millis, Ordering::AcqRel);
    }
}

impl Clock for StillClock {
    fn now(&self) -> Millis {
        Millis(self.0.load(Ordering::Acquire))
    }
}

fn storage(code: &str, en: &str, zh: &str) -> Fault {
    Fault::new(FaultKind::Storage, code, Text::new(en, zh), Text::new("free some space and try again", "请释放空间后重试"))
}

/// An audit chain. Its seals tell changed rows, no more.
#[derive(Debug, Default)]
pub struct MemoryAudit {
    rows: Mutex<Vec<Row>>,
    full: AtomicBool,
    flushed: AtomicBool,
}

fn seal(before: &str, seq: u64, entry: &Entry) -> String {
    let mut hasher = DefaultHasher::new();
    (before, seq, serde_json::to_string(entry).unwrap()).hash(&mut hasher);
    hex(&hasher.finish().to_be_bytes())
}

/// The word by which a row's ending is asked for.
fn ending_word(entry: &Entry) -> &'static str {
    match &entry.event {
        Event::Intent { .. } => "running",
        Event::Refused { .. } => "refused",
        Event::Note { .. } => "note",
        Event::Outcome { ending, .. } => match ending {
            Ending::Done => "done",
            Ending::ToolError => "tool_error",
            Ending::Fault(_) => "fault",
            Ending::Cancelled => "cancelled",
            Ending::Interrupted => "interrupted",
        },
    }
}

impl MemoryAudit {
    /// A chain on a disk that is full.
    pub fn broken() -> Self {
        let audit = Self::default();
        audit.fill_disk();
        audit
    }

    /// From now on nothing can be written.
    pub fn fill_disk(&self) {
        self.full.store(true, Ordering::Release);
    }

    /// All rows, oldest first.
    pub fn rows(&self) -> Vec<Row> {
        self.rows.lock().unwrap().clone()
    }

    /// The words of all rows, oldest first: `intent`, or how a call ended, or a note's own word.
    pub fn story(&self) -> Vec<String> {
        let word = |row: Row| match &row.entry.event {
            Event::Intent { .. } => "intent".to_owned(),
            Event::Note { what, .. } => what.clone(),
            _ => ending_word(&row.entry).to_owned(),
        };
        self.rows().into_iter().map(word).collect()
    }

    /// Whether somebody waited for the disk.
    pub fn was_flushed(&self) -> bool {
        self.flushed.load(Ordering::Acquire)
    }

    /// Changes a row behind the chain's back.
    pub fn tamper(&self, seq: u64, change: impl FnOnce(&mut Row)) {
        change(self.rows.lock().unwrap().iter_mut().find(|row| row.seq == seq).unwrap());
    }
}

#[async_trait]
impl AuditLog for MemoryAudit {
    async fn append(&self, entry: Entry, _: Durability) -> Result<(), Fault> {
        if self.full.load(Ordering::Acquire) {
            return Err(storage("disk_full", "the audit log could not be written: no space left", "无法写入审计日志：磁盘空间不足"));
        }
        let mut rows = self.rows.lock().unwrap();
        let seq = rows.len() as u64 + 1;
        let mac = seal(rows.last().map_or("", |row| row.mac.as_str()), seq, &entry);
        rows.push(Row { seq, entry, mac });
        Ok(())
    }

    async fn list(&self, filter: Filter) -> Result<Vec<Row>, Fault> {
        let rows = self.rows();
        let mates = |row: &Row| rows.iter().filter(|other| other.entry.id == row.entry.id).cloned().collect::<Vec<_>>();
        let ended = |row: &Row| mates(row).iter().any(|mate| matches!(mate.entry.event, Event::Outcome { .. }));
        let fits_ending = |row: &Row| match filter.ending.as_deref() {
            None | Some("") => true,
            Some("running") => matches!(row.entry.event, Event::Intent { .. }) && !ended(row),
            Some(word) => mates(row).iter().any(|mate| ending_word(&mate.entry) == word && (word != "note" || mate.seq == row.seq)),
        };
        let fits_text = |row: &Row| {
            let Some(text) = filter.text.as_deref().filter(|text| !text.is_empty()) else { return true };
            mates(row).iter().any(|mate| serde_json::to_string(&mate.entry).unwrap().to_lowercase().contains(&text.to_lowercase()))
        };
        let limit = if filter.limit == 0 { 200 } else { filter.limit as usize };
        let fitting = rows.iter().rev().filter(|row| {
            filter.before.is_none_or(|before| row.seq < before)
                && filter.server.as_ref().is_none_or(|server| row.entry.server.as_ref() == Some(server))
                && filter.from.is_none_or(|from| row.entry.at >= from)
                && filter.until.is_none_or(|until| row.entry.at <= until)
                && fits_ending(row)
                && fits_text(row)
        });
        Ok(fitting.take(limit).cloned().collect())
    }

    async fn verify(&self) -> Result<Verified, Fault> {
        let rows = self.rows();
        let mut before = String::new();
        for row in &rows {
            if row.mac != seal(&before, row.seq, &row.entry) {
                return Ok(Verified { ok: false, rows: rows.len() as u64, first_bad: Some(row.seq), why: Some("changed".into()) });
            }
            before.clone_from(&row.mac);
        }
        Ok(Verified { ok: true, rows: rows.len() as u64, first_bad: None, why: None })
    }

    async fn flush(&self) -> Result<(), Fault> {
        self.flushed.store(true, Ordering::Release);
        Ok(())
    }

    fn args_hash(&self, canonical_args: &str) -> String {
        let mut hasher = DefaultHasher::new();
        canonical_args.hash(&mut hasher);
        hex(&hasher.finish().to_be_bytes())
    }
}

#[async_trait]
impl Kept for MemoryAudit {
    async fn close(&self) -> Result<(), Fault> {
        self.flush().await
    }
}

/// Saved servers.
#[derive(Debug, Default)]
pub struct MemoryServers {
    servers: Mutex<BTreeMap<ServerId, (ServerDef, Trust)>>,
    kept: Mutex<HashMap<(ServerId, String), Json>>,
}

impl MemoryServers {
    /// Changes a definition behind the app's back, as another program would that writes the file.
    pub fn edit(&self, id: &ServerId, change: impl FnOnce(&mut ServerDef)) {
        change(&mut self.servers.lock().unwrap().get_mut(id).unwrap().0);
    }

    /// Puts a definition there as if an earlier run had saved and accepted it.
    pub fn accepted(&self, def: ServerDef) {
        let trust = Trust { definition: def.fingerprint(), ..Trust::default() };
        self.servers.lock().unwrap().insert(def.id.clone(), (def, trust));
    }
}

#[async_trait]
impl Servers for MemoryServers {
    async fn list(&self) -> Result<Vec<ServerDef>, Fault> {
        let mut all: Vec<_> = self.servers.lock().unwrap().values().map(|(def, _)| def.clone()).collect();
        all.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(all)
    }

    async fn put(&self, server: &ServerDef) -> Result<(), Fault> {
        let mut servers = self.servers.lock().unwrap();
        if servers.values().any(|(other, _)| other.id != server.id && other.name == server.name) {
            return Err(Fault::new(FaultKind::Config, "name_taken", Text::same("taken"), Text::same("another name")));
        }
        servers.entry(server.id.clone()).or_insert_with(|| (server.clone(), Trust::default())).0 = server.clone();
        Ok(())
    }

    async fn remove(&self, id: &ServerId) -> Result<(), Fault> {
        self.servers.lock().unwrap().remove(id);
        self.kept.lock().unwrap().retain(|(server, _), _| server != id);
        Ok(())
    }

    async fn trust(&self, id: &ServerId) -> Result<Trust, Fault> {
        Ok(self.servers.lock().unwrap().get(id).map(|(_, trust)| trust.clone()).unwrap_or_default())
    }

    async fn set_trust(&self, id: &ServerId, trust: &Trust) -> Result<(), Fault> {
        if let Some((_, kept)) = self.servers.lock().unwrap().get_mut(id) {
            *kept = trust.clone();
        }
        Ok(())
    }

    async fn recall(&self, id: &ServerId, key: &str) -> Result<Option<Json>, Fault> {
        Ok(self.kept.lock().unwrap().get(&(id.clone(), key.to_owned())).cloned())
    }

    async fn keep(&self, id: &ServerId, key: &str, value: &Json) -> Result<(), Fault> {
        self.kept.lock().unwrap().insert((id.clone(), key.to_owned()), value.clone());
        Ok(())
    }
}

/// Catalogues as they were last seen.
#[derive(Debug, Default)]
pub struct MemoryCatalogues(Mutex<BTreeMap<ServerId, CachedCatalogue>>);

#[async_trait]
impl Catalogues for MemoryCatalogues {
    async fn load(&self) -> Result<Vec<(ServerId, CachedCatalogue)>, Fault> {
        Ok(self.0.lock().unwrap().iter().map(|(id, cached)| (id.clone(), cached.clone())).collect())
    }

    async fn save(&self, id: &ServerId, cached: &CachedCatalogue) -> Result<(), Fault> {
        self.0.lock().unwrap().insert(id.clone(), cached.clone());
        Ok(())
    }
}

/// Samples, all of them.
#[derive(Debug, Default)]
pub struct MemoryMetrics(Mutex<Vec<Sample>>);

impl MemoryMetrics {
    /// All samples, oldest first.
    pub fn samples(&self) -> Vec<Sample> {
        self.0.lock().unwrap().clone()
    }
}

#[async_trait]
impl MetricsLog for MemoryMetrics {
    fn record(&self, sample: Sample) {
        self.0.lock().unwrap().push(sample);
    }

    async fn figures(&self, query: MetricsQuery, now: Millis) -> Result<Vec<Figures>, Fault> {
        let mut all: BTreeMap<(String, Option<String>), Figures> = BTreeMap::new();
        let wanted = |sample: &Sample| sample.at >= query.since && query.server.as_ref().is_none_or(|server| *server == sample.server);
        for sample in self.samples().into_iter().filter(|sample| sample.tool.is_some() && wanted(sample)) {
            let tool = sample.tool.as_ref().map(|tool| tool.as_str().to_owned());
            for tool in [None, tool.filter(|_| query.by_tool)].into_iter().enumerate().filter(|(n, tool)| *n == 0 || tool.is_some()) {
                let key = (sample.server.as_str().to_owned(), tool.1.clone());
                let figures = all.entry(key.clone()).or_insert_with(|| Figures { server: key.0, tool: key.1, ..Figures::default() });
                figures.calls += 1;
                figures.bytes_in += sample.bytes_in;
                figures.bytes_out += sample.bytes_out;
                if let Some(error) = &sample.error {
                    *figures.errors.entry(error.clone()).or_default() += 1;
                }
                let seconds = (now.since(query.since)).max(1) as f64 / 1000.0;
                figures.per_second = figures.calls as f64 / seconds;
            }
        }
        Ok(all.into_values().collect())
    }

    async fn recent(&self, server: &ServerId, most: u32) -> Result<Vec<f64>, Fault> {
        let all: Vec<f64> = self.samples().iter().filter(|sample| sample.server == *server).map(|sample| sample.elapsed_ms).collect();
        Ok(all[all.len().saturating_sub(most as usize)..].to_vec())
    }
}

/// Past calls.
#[derive(Debug, Default)]
pub struct MemoryHistory(Mutex<Vec<PastCall>>);

#[async_trait]
impl History for MemoryHistory {
    fn remember(&self, call: PastCall) {
        self.0.lock().unwrap().push(call);
    }

    async fn past(&self, server: Option<&ServerId>, tool: Option<&str>, most: u32) -> Result<Vec<PastCall>, Fault> {
        let calls = self.0.lock().unwrap();
        let fitting = calls
            .iter()
            .rev()
            .filter(|call| server.is_none_or(|server| *server == call.server) && tool.is_none_or(|tool| tool == call.tool));
        Ok(fitting.take(most as usize).cloned().collect())
    }
}

/// Policy and small documents.
#[derive(Debug, Default)]
pub struct MemorySettings {
    policy: Mutex<Policy>,
    documents: Mutex<BTreeMap<String, Json>>,
}

#[async_trait]
impl Settings for MemorySettings {
    async fn policy(&self) -> Result<Policy, Fault> {
        Ok(self.policy.lock().unwrap().clone())
    }

    async fn set_policy(&self, policy: &Policy) -> Result<(), Fault> {
        *self.policy.lock().unwrap() = policy.clone();
        Ok(())
    }

    async fn get(&self, key: &str) -> Result<Option<Json>, Fault> {
        Ok(self.documents.lock().unwrap().get(key).cloned())
    }

    async fn set(&self, key: &str, value: &Json) -> Result<(), Fault> {
        let mut documents = self.documents.lock().unwrap();
        if value.is_null() {
            documents.remove(key);
        } else {
            documents.insert(key.to_owned(), value.clone());
        }
        Ok(())
    }

    async fn with_prefix(&self, prefix: &str) -> Result<Vec<(String, Json)>, Fault> {
        let documents = self.documents.lock().unwrap();
        Ok(documents.iter().filter(|(key, _)| key.starts_with(prefix)).map(|(key, value)| (key.clone(), value.clone())).collect())
    }
}

/// A browser that only writes down where it was sent.
#[derive(Debug, Default)]
pub struct MemoryBrowser(Mutex<Vec<String>>);

impl MemoryBrowser {
    /// The pages that were opened.
    pub fn opened(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}

#[async_trait]
impl Opener for MemoryBrowser {
    async fn open(&self, url: &url::Url) -> Result<(), Fault> {
        self.0.lock().unwrap().push(url.as_str().to_owned());
        Ok(())
    }
}

/// Variables by name; `${NAME}` is replaced at any depth, and a name that is not set is a fault.
#[derive(Debug, Default)]
pub struct MemoryEnv(Mutex<BTreeMap<String, String>>);

impl MemoryEnv {
    /// Sets one.
    pub fn set(&self, name: &str, value: &str) {
        self.0.lock().unwrap().insert(name.to_owned(), value.to_owned());
    }

    fn text(&self, text: &str) -> Result<String, Fault> {
        let mut out = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${") {
            out.push_str(before);
            let (name, tail) = after.split_once('}').unwrap_or((after, ""));
            let unset = || {
                Fault::new(
                    FaultKind::Config,
                    "unset_variable",
                    Text::new(format!("the variable {name} is not set"), format!("变量 {name} 未设置")),
                    Text::new("set it", "请设置该变量"),
                )
            };
            out.push_str(self.0.lock().unwrap().get(name).ok_or_else(unset)?);
            rest = tail;
        }
        out.push_str(rest);
        Ok(out)
    }

    fn value(&self, value: &Json) -> Result<Json, Fault> {
        Ok(match value {
            Json::String(text) => Json::String(self.text(text)?),
            Json::Array(items) => Json::Array(items.iter().map(|item| self.value(item)).collect::<Result<_, _>>()?),
            Json::Object(map) => Json::Object(self.expand(map)?),
            other => other.clone(),
        })
    }
}

impl Expand for MemoryEnv {
    fn expand(&self, settings: &JsonMap) -> Result<JsonMap, Fault> {
        settings.iter().map(|(key, value)| Ok((key.clone(), self.value(value)?))).collect()
    }
}

/// Takes learned texts out, as they stand.
#[derive(Debug, Default)]
pub struct MemoryRedact(Mutex<Vec<String>>);

impl MemoryRedact {
    /// What was learned.
    pub fn learned(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}

impl Redact for MemoryRedact {
    fn redact<'t>(&self, text: &'t str) -> std::borrow::Cow<'t, str> {
        let known = self.0.lock().unwrap();
        if !known.iter().any(|secret| text.contains(secret.as_str())) {
            return text.into();
        }
        known.iter().fold(text.to_owned(), |text, secret| text.replace(secret.as_str(), "[secret]")).into()
    }

    fn learn(&self, secret: &Secret) {
        if secret.expose().len() >= 4 {
            self.0.lock().unwrap().push(secret.expose().to_owned());
        }
    }
}

type Mind = dyn Fn(&Question) -> Answer + Send + Sync;

/// A person who answers at once, as they made up their mind beforehand, and remembers what they were asked.
pub struct ScriptedPerson {
    mind: Box<Mind>,
    asked: Mutex<Vec<Question>>,
}

impl std::fmt::Debug for ScriptedPerson {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ScriptedPerson").finish_non_exhaustive()
    }
}

impl ScriptedPerson {
    /// Answers as the rule says.
    pub fn who(mind: impl Fn(&Question) -> Answer + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Self { mind: Box::new(mind), asked: Mutex::default() })
    }

    /// What they were asked.
    pub fn asked(&self) -> Vec<Question> {
        self.asked.lock().unwrap().clone()
    }
}

#[async_trait]
impl Person for ScriptedPerson {
    async fn ask(&self, question: Question) -> Answer {
        let answer = (self.mind)(&question);
        self.asked.lock().unwrap().push(question);
        answer
    }
}
