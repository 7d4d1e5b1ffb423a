//! Exec plugins, run by us: only what a person agreed to, under guard, with little of our environment, and not more often than needed.
//!
//! **Invariant:** what a plugin printed stands in the credential only; no fault, log line or audit row repeats a piece of it.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::child_env;
use domain::cluster::{ClusterDef, ExecPlugin};
use domain::exec_credential::{EXEC_INFO, ExecCluster, ExecInfo, VERSIONS, read_answer};
use domain::fault::{Fault, FaultKind, ServerFault};
use domain::id::{ClusterId, Millis};
use domain::reach::{ClusterCredential, EXEC_REST, Ran, RunOrder};
use domain::secret::{Secret, SecretMap};
use domain::text::Text;
use domain::vault::{NewSecret, Owner, SecretBytes, SecretKind};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::fault::about;
use crate::reach::Reach;

pub(crate) mod program;

const STDOUT: usize = 1024 * 1024;
const STDERR: usize = 64 * 1024;
/// A credential that ends within this time is not handed out any more.
const SLACK: i64 = 60_000;
/// A plugin does not run more often than this, whatever came of it.
const LEAST: i64 = 10_000;
/// After failures it is longer, up to this.
const MOST: i64 = 300_000;
/// The vault's field for the last answer, so that the next process need not run the plugin.
const FIELD: &str = "exec_answer";

/// What is known of the plugins of this process.
#[derive(Debug, Default)]
pub(crate) struct Plugins(Mutex<HashMap<ClusterId, Arc<tokio::sync::Mutex<Slot>>>>);

#[derive(Debug, Default)]
struct Slot {
    /// The last answer, and the trust under which it came.
    answer: Option<(String, ClusterCredential)>,
    ran_at: Option<Millis>,
    failed: Option<Fault>,
    failures: u32,
}

impl Plugins {
    fn slot(&self, cluster: &ClusterId) -> Arc<tokio::sync::Mutex<Slot>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(cluster.clone()).or_default().clone()
    }

    /// Drops every answer. When a plugin last failed stays known; one that runs now answers into a slot that nobody looks at any more.
    pub(crate) fn forget(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).retain(|_, slot| match slot.try_lock() {
            Ok(mut slot) => {
                if slot.answer.take().is_some() && slot.failures == 0 {
                    // It rested because of what is gone now.
                    slot.ran_at = None;
                }
                true
            }
            Err(_) => false,
        });
    }
}

/// How a plugin failed last, for other processes: each call of kubectl is one.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Rest {
    trust: String,
    ran_at: Millis,
    failures: u32,
    /// Of the fault nothing but its kind and code: what the plugin said stays in the process that heard it.
    kind: FaultKind,
    code: String,
}

/// The last answer as the vault keeps it.
#[derive(Serialize, Deserialize)]
struct Kept {
    trust: String,
    expires_at: Millis,
    token: Option<String>,
    certificate: Option<(String, String)>,
}

impl Slot {
    /// The last answer, while it lasts.
    fn fresh(&self, trust: &str, now: Millis) -> Option<ClusterCredential> {
        let (under, answer) = self.answer.as_ref()?;
        (under == trust && answer.expires_at.is_none_or(|end| end.since(now) > SLACK)).then(|| answer.clone())
    }

    /// How long the plugin must still rest (ms).
    fn rest(&self, now: Millis) -> i64 {
        let Some(ran_at) = self.ran_at else { return 0 };
        let pause = (LEAST << self.failures.saturating_sub(1).min(5)).min(MOST);
        pause - now.since(ran_at)
    }
}

impl Reach {
    /// The plugin's credential: the last one while it lasts, else a new one.
    pub(crate) async fn exec_credential(&self, cluster: &ClusterDef, plugin: &ExecPlugin) -> Result<ClusterCredential, Fault> {
        let name = &cluster.name;
        if plugin.trust.is_empty() {
            return Err(about(
                cluster,
                FaultKind::Denied,
                "exec_not_trusted",
                Text::new(
                    format!("the cluster {name} needs the program {} to sign in, and nobody agreed to run it", plugin.command),
                    format!("{name} 需要运行程序 {} 来登录，但尚未获得许可", plugin.command),
                ),
                Text::new(
                    "Look at the exact command line in the import, then import the kubeconfig again with --trust-exec.",
                    "请在导入时查看完整命令行，确认后用 --trust-exec 重新导入该 kubeconfig。",
                ),
            ));
        }
        if !VERSIONS.contains(&plugin.api_version.as_str()) {
            return Err(failed(cluster, plugin, "exec_version", "its version of the protocol is not supported", "不支持其协议版本"));
        }
        let slot = self.plugins.slot(&cluster.id);
        // Of two who ask at once, one runs the plugin and the other gets the same answer.
        let mut slot = slot.lock().await;
        if let Some(answer) = slot.fresh(&plugin.trust, self.parts.clock.now()) {
            return Ok(answer);
        }
        let env = self.plugin_env(cluster, plugin).await?;
        let found = program::look(&cluster.server, plugin, &env, self.parts.env.get("PATH").map(String::as_str)).await?;
        if found.trust != plugin.trust {
            return Err(about(
                cluster,
                FaultKind::Denied,
                "exec_changed",
                Text::new(
                    format!(
                        "the program {} of {name} is not the one that you agreed to: it, its arguments or its variables changed",
                        found.program
                    ),
                    format!("{name} 的程序 {} 与您许可的不同：程序本身、参数或变量已更改", found.program),
                ),
                Text::new(
                    "If you updated it yourself, import the kubeconfig again with --trust-exec. Else find out who changed it.",
                    "如果是您自己更新的，请用 --trust-exec 重新导入 kubeconfig；否则请查明是谁更改的。",
                ),
            ));
        }
        if slot.answer.is_none()
            && let Some(kept) = self.kept_answer(cluster, plugin).await
        {
            slot.answer = Some((plugin.trust.clone(), kept));
            if let Some(answer) = slot.fresh(&plugin.trust, self.parts.clock.now()) {
                return Ok(answer);
            }
        }
        let now = self.parts.clock.now();
        self.rest_of_others(cluster, plugin, &mut slot, now).await;
        if slot.rest(now) > 0 {
            // It ran a moment ago. What it said then is what it would say now.
            return match (&slot.failed, &slot.answer) {
                (Some(fault), _) => Err(fault.clone()),
                (None, Some((under, answer))) if *under == plugin.trust => Ok(answer.clone()),
                (None, _) => Err(failed(cluster, plugin, "exec_failed", "it ran a moment ago", "它刚刚运行过")),
            };
        }
        slot.ran_at = Some(now);
        let ran = self.run_plugin(cluster, plugin, found.program, &env).await;
        match ran {
            Ok(answer) => {
                if slot.failures > 0 {
                    self.keep_rest(cluster, None).await;
                }
                slot.failures = 0;
                slot.failed = None;
                slot.answer = Some((plugin.trust.clone(), answer.clone()));
                self.keep_answer(cluster, plugin, &answer).await;
                Ok(answer)
            }
            Err(fault) => {
                slot.failures += 1;
                slot.failed = Some(fault.clone());
                let (trust, code) = (plugin.trust.clone(), fault.code.clone());
                let rest = Rest { trust, ran_at: now, failures: slot.failures, kind: fault.kind, code };
                self.keep_rest(cluster, Some(&rest)).await;
                Err(fault)
            }
        }
    }

    /// What another process found out since: a plugin that failed there rests here too.
    async fn rest_of_others(&self, cluster: &ClusterDef, plugin: &ExecPlugin, slot: &mut Slot, now: Millis) {
        let Some(notes) = &self.notes else { return };
        let Ok(Some(kept)) = notes.get(&format!("{EXEC_REST}{}", cluster.id)).await else { return };
        let Ok(kept) = serde_json::from_value::<Rest>(kept) else { return };
        if kept.trust != plugin.trust || kept.ran_at > now || slot.ran_at.is_some_and(|ran_at| ran_at >= kept.ran_at) {
            return;
        }
        slot.ran_at = Some(kept.ran_at);
        slot.failures = kept.failures;
        let seconds = slot.rest(now).max(0) / 1_000 + 1;
        let mut fault = failed(
            cluster,
            plugin,
            &kept.code,
            &format!("it failed a moment ago, and is not run again for {seconds} s"),
            &format!("它刚刚失败，{seconds} 秒内不会再次运行"),
        );
        fault.kind = kept.kind;
        slot.failed = Some(fault);
    }

    /// A convenience for other processes; without it they find out for themselves.
    async fn keep_rest(&self, cluster: &ClusterDef, rest: Option<&Rest>) {
        let Some(notes) = &self.notes else { return };
        let value = rest.and_then(|rest| serde_json::to_value(rest).ok()).unwrap_or_default();
        if let Err(fault) = notes.set(&format!("{EXEC_REST}{}", cluster.id), &value).await {
            tracing::debug!(code = fault.code, "how long a credential program rests is not kept");
        }
    }

    async fn run_plugin(
        &self,
        cluster: &ClusterDef,
        plugin: &ExecPlugin,
        program: String,
        own: &SecretMap,
    ) -> Result<ClusterCredential, Fault> {
        let ours = self.parts.env.iter().filter(|(name, _)| child_env::is_plain(name));
        let mut env: SecretMap = ours.map(|(name, value)| (name.clone(), Secret::new(value.as_str()))).collect();
        env.extend(own.iter().map(|(name, value)| (name.clone(), value.clone())));
        env.insert(EXEC_INFO.to_owned(), Secret::new(info(cluster, plugin).write()));
        let order = RunOrder {
            program,
            args: plugin.args.clone(),
            env,
            patience: self.parts.plugin_patience,
            stdout_limit: STDOUT,
            stderr_limit: STDERR,
        };
        tracing::info!(cluster = cluster.name, command = plugin.command, "running a credential program");
        let ran = self.parts.run.run(order).await.map_err(|fault| match fault {
            ServerFault::Timeout { after, .. } => {
                let seconds = after.as_secs();
                let mut fault = failed(
                    cluster,
                    plugin,
                    "exec_timeout",
                    &format!("it did not end within {seconds} s"),
                    &format!("{seconds} 秒内未结束"),
                );
                fault.kind = FaultKind::Timeout;
                fault
            }
            ServerFault::MessageTooLarge { limit } => {
                failed(cluster, plugin, "exec_answer", &format!("it printed more than {limit} bytes"), &format!("其输出超过 {limit} 字节"))
            }
            ServerFault::SpawnFailed { reason, .. } => {
                failed(cluster, plugin, "exec_failed", &format!("it could not be started: {reason}"), &format!("无法启动：{reason}"))
            }
            ServerFault::ResourceLimit { what, limit } => {
                failed(cluster, plugin, "exec_failed", &format!("it used more than {limit} of {what}"), &format!("{what} 超过上限 {limit}"))
            }
            other => failed(cluster, plugin, "exec_failed", other.code(), other.code()),
        })?;
        if !ran.ok {
            let mut fault =
                failed(cluster, plugin, "exec_failed", &format!("it ended with {}", ran.how), &format!("它以 {} 结束", ran.how));
            let said = complaint(&ran, own);
            if let (false, Some(params)) = (said.is_empty(), fault.params.as_object_mut()) {
                fault.message.en.push_str(&format!("; it says: {said}"));
                fault.message.zh.push_str(&format!("；它说：{said}"));
                params.insert("stderr".into(), said.into());
            }
            return Err(fault);
        }
        read_answer(ran.stdout.expose(), &plugin.api_version, moment).map_err(|why| {
            let mut fault = failed(cluster, plugin, "exec_answer", &why.en, &why.zh);
            fault.kind = FaultKind::Protocol;
            fault
        })
    }

    /// The values of the plugin's own variables.
    async fn plugin_env(&self, cluster: &ClusterDef, plugin: &ExecPlugin) -> Result<SecretMap, Fault> {
        let Some(id) = &plugin.env else { return Ok(SecretMap::new()) };
        let value = self.parts.vault.open(id).await?;
        let env: BTreeMap<String, Secret> = serde_json::from_slice(value.expose())
            .map_err(|_| failed(cluster, plugin, "exec_failed", "its variables are no object of strings", "其变量不是字符串对象"))?;
        for value in env.values() {
            self.parts.redact.learn(value);
        }
        Ok(env)
    }

    /// What an earlier process was told, while it lasts. The cache is a convenience: a fault of the vault shows where the vault is needed.
    async fn kept_answer(&self, cluster: &ClusterDef, plugin: &ExecPlugin) -> Option<ClusterCredential> {
        let id = self.parts.vault.find(&owner(cluster)).await.ok()??;
        let kept: Kept = serde_json::from_slice(self.parts.vault.open(&id).await.ok()?.expose()).ok()?;
        (kept.trust == plugin.trust).then(|| ClusterCredential {
            token: kept.token.map(Secret::new),
            certificate: kept.certificate.map(|(chain, key)| (chain, Secret::new(key))),
            basic: None,
            expires_at: Some(kept.expires_at),
        })
    }

    async fn keep_answer(&self, cluster: &ClusterDef, plugin: &ExecPlugin, answer: &ClusterCredential) {
        let Some(expires_at) = answer.expires_at else { return };
        let kept = Kept {
            trust: plugin.trust.clone(),
            expires_at,
            token: answer.token.as_ref().map(|token| token.expose().to_owned()),
            certificate: answer.certificate.as_ref().map(|(chain, key)| (chain.clone(), key.expose().to_owned())),
        };
        let Ok(value) = serde_json::to_vec(&kept) else { return };
        let new =
            NewSecret { owner: owner(cluster), value: SecretBytes::new(value), kind: SecretKind::SignIn, expires_at: Some(expires_at) };
        if let Err(fault) = self.parts.vault.keep(vec![new]).await {
            tracing::debug!(code = fault.code, "a credential was not kept for the next process");
        }
    }
}

fn owner(cluster: &ClusterDef) -> Owner {
    Owner::new("cluster", cluster.id.as_str(), FIELD)
}

/// What the plugin is told.
fn info(cluster: &ClusterDef, plugin: &ExecPlugin) -> ExecInfo {
    let told = plugin.provide_cluster_info.then(|| ExecCluster {
        server: cluster.server.clone(),
        tls_server_name: cluster.tls_server_name.clone(),
        insecure_skip_tls_verify: cluster.insecure,
        certificate_authority_data: cluster.ca_pem.as_ref().map(|pem| STANDARD.encode(pem)),
        proxy_url: cluster.proxy.as_ref().map(|proxy| proxy.url.clone()),
    });
    ExecInfo { api_version: plugin.api_version.clone(), cluster: told }
}

/// A moment that is written as RFC 3339.
pub(crate) fn moment(text: &str) -> Option<Millis> {
    text.parse::<jiff::Timestamp>().ok().map(|at| Millis(at.as_millisecond()))
}

/// The end of what a plugin complained, without anything that it printed or was given.
fn complaint(ran: &Ran, env: &SecretMap) -> String {
    let printed = String::from_utf8_lossy(ran.stdout.expose());
    let mut said = ran.stderr.expose().to_owned();
    let words = printed.split(|c: char| c.is_whitespace() || "\"',:{}[]=".contains(c)).filter(|word| word.len() >= 6);
    let values = env.values().map(Secret::expose).filter(|value| value.len() >= 4);
    let mut hidden: Vec<&str> = words.chain(values).collect();
    hidden.sort_by_key(|word| std::cmp::Reverse(word.len()));
    for word in hidden {
        if said.contains(word) {
            said = said.replace(word, "[secret]");
        }
    }
    let line = said.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default();
    line.trim().chars().filter(|c| !c.is_control()).take(300).collect()
}

fn failed(cluster: &ClusterDef, plugin: &ExecPlugin, code: &str, en: &str, zh: &str) -> Fault {
    let (name, command) = (&cluster.name, &plugin.command);
    Fault::new(
        FaultKind::Auth,
        code,
        Text::new(
            format!("the program {command} gave no credential for {name}: {en}"),
            format!("程序 {command} 未能为 {name} 提供凭据：{zh}"),
        ),
        Text::new("Run it yourself in a terminal; it may want you to sign in first.", "请在终端中手动运行它；可能需要先登录。"),
    )
    .with_params(json!({ "cluster": name, "command": command }))
}

#[cfg(test)]
mod tests;
