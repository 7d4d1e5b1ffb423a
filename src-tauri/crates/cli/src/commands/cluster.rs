//! `pilot cluster`: take clusters out of kubeconfigs, and leave nothing behind.

use std::path::PathBuf;

use app::clusters::{ImportOrder, Imported};
use domain::fault::{Fault, FaultKind};
use domain::kubeconfig::{ContextReview, KubeReview, KubeSource, Wanted};
use domain::manifest_check::{LintLevel, RuleInfo};
use domain::text::Text;
use domain::vault::SecretBytes;
use serde_json::json;

use super::servers::agreed;
use super::{cluster_reach, moment};
use crate::args::{ClusterCommand, ClusterImportArgs};
use crate::context::Context;
use crate::table::Table;
use crate::target::read_text;
use crate::terminal::program_line;
use crate::values::usage;
use crate::words::tame_line;

/// Does what was asked.
pub(super) async fn run(cx: &Context, command: ClusterCommand) -> Result<u8, Fault> {
    match command {
        ClusterCommand::Import(args) => import(cx, args).await,
        ClusterCommand::List => list(cx).await,
        ClusterCommand::Check { clusters } => cluster_reach::check(cx, &clusters).await,
        ClusterCommand::Set(args) => cluster_reach::set(cx, args).await,
        ClusterCommand::Lint { cluster, levels } => lint(cx, &cluster, &levels).await,
        ClusterCommand::Remove { clusters, force } => remove(cx, &clusters, force).await,
        ClusterCommand::Login(args) => super::cluster_login::login(cx, args).await,
        ClusterCommand::Logout { cluster } => super::cluster_login::logout(cx, &cluster).await,
        // Done by the light door, before the app is opened.
        ClusterCommand::Consent { .. } | ClusterCommand::Consents => Ok(0),
        ClusterCommand::Lock => {
            cx.app.clusters.lock(&cx.actor).await?;
            said(cx, true, &Text::new("nobody gets credentials of a cluster any more", "任何程序都不再能获取集群凭据"));
            Ok(0)
        }
        ClusterCommand::Unlock => {
            cx.app.clusters.unlock(&cx.actor).await?;
            said(cx, false, &Text::new("programs that were agreed to get credentials again", "已同意的程序可以重新获取凭据"));
            Ok(0)
        }
        ClusterCommand::Verify { files } => verify(cx, &files).await,
        ClusterCommand::Restore { file, force } => restore(cx, &file, force).await,
    }
}

/// Sets lints where some are given, and shows all of them.
async fn lint(cx: &Context, cluster: &str, levels: &[String]) -> Result<u8, Fault> {
    let mut wanted = Vec::new();
    for word in levels {
        let level = match word.split_once('=') {
            Some((id, "off")) => (id, Some(LintLevel::Off)),
            Some((id, "warn")) => (id, Some(LintLevel::Warn)),
            Some((id, "block")) => (id, Some(LintLevel::Block)),
            Some((id, "usual")) => (id, None),
            _ => {
                return Err(usage(
                    "lint_level",
                    format!("{word}: say ID=off, ID=warn, ID=block or ID=usual"),
                    format!("{word}：请写作 ID=off、ID=warn、ID=block 或 ID=usual"),
                ));
            }
        };
        wanted.push(level);
    }
    for (id, level) in wanted {
        cx.app.manifests.set_level(cluster, id, level, &cx.actor).await?;
    }
    let own = cx.app.manifests.levels(cluster).await?;
    let rules: Vec<_> = cx.app.manifests.rules().into_iter().filter(|rule| rule.adjustable).collect();
    if cx.out.for_programs() {
        let row = |rule: &RuleInfo| json!({ "id": rule.id, "level": own.get(rule.id).copied().unwrap_or(rule.level), "usual": rule.level, "about": cx.out.pick(&rule.about) });
        cx.out.document(&json!({ "lints": rules.iter().map(row).collect::<Vec<_>>() }));
    } else {
        let word = |level: LintLevel| match level {
            LintLevel::Off => "off",
            LintLevel::Warn => "warn",
            LintLevel::Block => "block",
        };
        let mut table = Table::new(["LINT", "LEVEL", "USUAL", "ABOUT"]);
        for rule in &rules {
            let level = own.get(rule.id).copied().unwrap_or(rule.level);
            table.row([rule.id.to_owned(), word(level).to_owned(), word(rule.level).to_owned(), cx.out.pick(&rule.about).to_owned()]);
        }
        cx.out.line(&table.lines(None).join("\n"));
    }
    Ok(0)
}

fn said(cx: &Context, locked: bool, text: &Text) {
    if cx.out.for_programs() {
        cx.out.document(&json!({ "locked": locked }));
    } else {
        cx.out.remark(text);
    }
}

fn source(files: &[PathBuf]) -> Result<KubeSource, Fault> {
    match files {
        [] => Ok(KubeSource::Usual(assembly::usual_kubeconfigs())),
        [only] if only.as_os_str() == "-" => Ok(KubeSource::Text(SecretBytes::new(read_text(only)?))),
        files if files.iter().any(|file| file.as_os_str() == "-") => {
            Err(usage("stdin_and_files", "- stands for stdin and cannot be given beside files", "- 表示标准输入，不能与文件同时给出"))
        }
        files => Ok(KubeSource::Files(files.to_vec())),
    }
}

async fn import(cx: &Context, args: ClusterImportArgs) -> Result<u8, Fault> {
    let source = source(&args.files)?;
    let review = cx.app.clusters.review(&source).await?;
    for name in &args.contexts {
        if !review.contexts.iter().any(|context| context.context == *name) {
            return Err(Fault::new(
                FaultKind::NotFound,
                "no_such_context",
                Text::new(format!("nothing was imported: there is no context \"{name}\""), format!("未导入任何内容：没有上下文“{name}”")),
                Text::new("leave --context away to see all of them", "不带 --context 可查看全部上下文"),
            ));
        }
    }
    let chosen: Vec<&ContextReview> =
        review.contexts.iter().filter(|context| args.contexts.is_empty() || args.contexts.contains(&context.context)).collect();
    describe(cx, &review, &chosen);
    let mut done = Imported::default();
    for context in &chosen {
        if let Some(refusal) = &context.refused {
            let (code, reason) = (refusal.code.clone(), refusal.reason.clone());
            done.refused.push(app::clusters::RefusedContext { context: context.context.clone(), code, reason });
        }
    }
    let usable: Vec<&ContextReview> = chosen.into_iter().filter(|context| context.refused.is_none()).collect();
    if !usable.is_empty() {
        if args.rewrite {
            cx.out.remark(&Text::new(
                "the files above will call pilot instead of holding secrets; their originals are sealed in the vault first",
                "上述文件将改为调用 pilot 而不再保存机密；其原件会先封存到保险库中",
            ));
        }
        agreed(cx, args.yes)?;
        let mut wanted = Vec::new();
        for context in usable {
            let sign_in = context.sign_in.is_some() && (args.sign_in || (!args.yes && !args.trust_exec && would_sign_in(cx, context)));
            let trust_exec = !sign_in && (args.trust_exec || (context.exec.is_some() && !args.yes && accepts(cx, context)));
            wanted.push(Wanted { context: context.context.clone(), trust_exec, follow_token_file: args.follow_token_files, sign_in });
        }
        let order = ImportOrder { source, review: review.clone(), wanted, rewrite: args.rewrite };
        let imported = cx.app.clusters.import(&order, &cx.actor).await?;
        done.clusters = imported.clusters;
        done.refused.extend(imported.refused);
    }
    tell(cx, &done);
    Ok(if done.clusters.is_empty() && !done.refused.is_empty() { FaultKind::Config.exit_code() } else { 0 })
}

/// Asks about one program.
fn accepts(cx: &Context, context: &ContextReview) -> bool {
    let Some(exec) = &context.exec else { return false };
    if !cx.actor.can_ask {
        return false;
    }
    cx.out.tell(&format!("{}: {}", tame_line(&context.context), program_line(&exec.argv)));
    cx.out.tell_part(cx.out.word("may this program be run for its credential? [y/N] ", "允许运行此程序来获取凭据吗？[y/N] "));
    let mut line = String::new();
    let _ = std::io::stdin().read_line(&mut line);
    matches!(line.trim().to_ascii_lowercase().as_str(), "y" | "yes" | "是")
}

/// Asks whether our own sign-in takes a program's place.
fn would_sign_in(cx: &Context, context: &ContextReview) -> bool {
    let Some(offer) = &context.sign_in else { return false };
    if !cx.actor.can_ask {
        return false;
    }
    cx.out.tell(&format!("{}: {}", tame_line(&context.context), tame_line(&offer.issuer)));
    cx.out.tell_part(
        cx.out.word("sign in there with pilot instead of running that program? [y/N] ", "用 pilot 在该处登录，而不运行此程序吗？[y/N] "),
    );
    let mut line = String::new();
    let _ = std::io::stdin().read_line(&mut line);
    matches!(line.trim().to_ascii_lowercase().as_str(), "y" | "yes" | "是")
}

fn tell(cx: &Context, done: &Imported) {
    if cx.out.for_programs() {
        let refused: Vec<_> =
            done.refused.iter().map(|refused| json!({ "context": refused.context, "reason": cx.out.pick(&refused.reason) })).collect();
        cx.out.document(&json!({ "clusters": done.clusters, "refused": refused }));
        return;
    }
    if !done.clusters.is_empty() {
        let mut table = Table::new(["CONTEXT", "AUTH", "REWRITTEN", "SERVER", "ID"]);
        for cluster in &done.clusters {
            let rewritten = if cluster.rewritten { cx.out.word("yes", "是") } else { "-" };
            table.row([cluster.context.clone(), cluster.auth.clone(), rewritten.into(), cluster.server.clone(), cluster.id.to_string()]);
        }
        cx.out.line(&table.lines(None).join("\n"));
    }
    for refused in &done.refused {
        cx.out.tell(&format!("x {}: {}", tame_line(&refused.context), cx.out.pick(&refused.reason)));
    }
}

/// Everything that a person must have seen, on stderr.
fn describe(cx: &Context, review: &KubeReview, chosen: &[&ContextReview]) {
    let say = |text: String| cx.out.remark(&Text::same(text));
    let word = |en: &'static str, zh: &'static str| cx.out.word(en, zh);
    for file in &review.files {
        let target = file.target.as_ref().map_or_else(String::new, |target| format!(" → {}", tame_line(target)));
        say(format!("{}{target}", tame_line(&file.path)));
    }
    for context in chosen {
        let current = if review.current.as_deref() == Some(&context.context) { "*" } else { " " };
        let known = if context.known.is_some() { word(" (known)", "（已导入）") } else { "" };
        say(format!("{current} {}{known}: {} [{}]", tame_line(&context.context), tame_line(&context.server), context.host_class));
        for sha256 in &context.ca_sha256 {
            say(format!("    CA SHA-256 {sha256}"));
        }
        let facts = [
            (word("auth", "认证"), Some(context.auth.clone())),
            ("tls-server-name", context.tls_server_name.clone()),
            (word("proxy", "代理"), context.proxy.clone()),
            (word("issuer", "颁发者"), context.issuer.clone()),
            (word("acts as", "扮演"), context.impersonate.clone()),
            (word("would read", "将读取"), (!context.reads.is_empty()).then(|| context.reads.join(", "))),
        ];
        for (name, value) in facts {
            if let Some(value) = value {
                say(format!("    {name}: {}", tame_line(&value)));
            }
        }
        if let Some(exec) = &context.exec {
            say(format!("    {}: {}", word("would run", "将运行"), program_line(&exec.argv)));
            if !exec.env_names.is_empty() {
                say(format!("    {}: {}", word("with the variables", "变量"), tame_line(&exec.env_names.join(", "))));
            }
        }
        if let Some(offer) = &context.sign_in {
            let instead = word("can sign in here instead (--sign-in)", "可改为在此登录（--sign-in）");
            say(format!("    {instead}: {} ({})", tame_line(&offer.issuer), tame_line(&offer.client_id)));
        }
        for warning in &context.warnings {
            say(format!("    ! {}", cx.out.pick(warning)));
        }
        if let Some(refusal) = &context.refused {
            say(format!("    x {}", cx.out.pick(&refusal.reason)));
        }
    }
}

async fn list(cx: &Context) -> Result<u8, Fault> {
    let views = cx.app.clusters.list().await?;
    cx.out.list(&views, || {
        let mut table = Table::new(["NAME", "STATE", "VERSION", "USER", "AUTH", "ENDS", "REWRITTEN", "LAST USED", "BY", "SERVER"]);
        for view in &views {
            let at = |at: Option<domain::id::Millis>| at.map_or_else(|| "-".into(), moment);
            let rewritten = if view.rewritten { cx.out.word("yes", "是") } else { "-" };
            let text = |text: Option<&String>| text.cloned().unwrap_or_else(|| "-".into());
            table.row([
                view.name.clone(),
                cluster_reach::state_word(cx, view.standing.state).into(),
                text(view.standing.version.as_ref()),
                text(view.standing.user.as_ref()),
                view.auth.clone(),
                at(view.expires_at),
                rewritten.into(),
                at(view.last_used),
                text(view.last_used_by.as_ref().map(|used| &used.by)),
                view.server.clone(),
            ]);
        }
        table
    });
    Ok(0)
}

async fn remove(cx: &Context, clusters: &[String], force: bool) -> Result<u8, Fault> {
    let mut removed = Vec::new();
    for named in clusters {
        removed.push(cx.app.clusters.remove(named, force, &cx.actor).await?);
    }
    if cx.out.for_programs() {
        cx.out.document(&json!({ "removed": removed }));
    } else {
        let n = removed.len();
        cx.out.remark(&Text::new(format!("{n} removed, with their secrets"), format!("已移除 {n} 个集群及其机密")));
    }
    Ok(0)
}

async fn verify(cx: &Context, files: &[PathBuf]) -> Result<u8, Fault> {
    let verdict = cx.app.clusters.verify(files, &assembly::usual_kubeconfigs()).await?;
    if cx.out.for_programs() {
        cx.out.document(&verdict);
    } else if verdict.ok {
        cx.out.remark(&Text::new("nothing secret was found", "未发现机密"));
    } else {
        let mut table = Table::new(["FILE", "LINE", "KIND"]);
        for finding in &verdict.findings {
            table.row([finding.file.clone(), finding.line.to_string(), finding.kind.clone()]);
        }
        cx.out.line(&table.lines(None).join("\n"));
    }
    Ok(u8::from(!verdict.ok))
}

async fn restore(cx: &Context, file: &std::path::Path, force: bool) -> Result<u8, Fault> {
    let path = cx.app.clusters.restore(file, force, &cx.actor).await?;
    if cx.out.for_programs() {
        cx.out.document(&json!({ "restored": path }));
    } else {
        let shown = path.display();
        cx.out.remark(&Text::new(format!("{shown} is as it was before it was rewritten"), format!("{shown} 已恢复为改写前的内容")));
    }
    Ok(0)
}
