//! `pilot cluster login` and `logout`: a person signs in at the issuer of a cluster.

use app::clusters::{LoginOrder, LoginStep, PageBy};
use domain::fault::Fault;
use domain::sign_in::{Revocation, SignInWay};
use domain::text::Text;
use serde_json::json;

use super::moment;
use crate::args::ClusterLoginArgs;
use crate::context::Context;
use crate::out::Out;
use crate::words::tame_line;

/// Signs in. Ctrl-C gives it up in order.
pub(super) async fn login(cx: &Context, args: ClusterLoginArgs) -> Result<u8, Fault> {
    let way = if args.device { SignInWay::Code } else { SignInWay::Browser { port: args.redirect_port } };
    let page = if args.no_browser { PageBy::Telling } else { PageBy::Opening };
    let order = LoginOrder { cluster: args.cluster, way, page };
    let out = cx.out.clone();
    let steps = move |step| show(&out, &step);
    let login = cx.app.clusters.login(&order, &steps, &cx.actor);
    tokio::pin!(login);
    let done = tokio::select! {
        done = &mut login => done,
        () = cx.stop.cancelled() => {
            cx.app.clusters.cancel_login(&order.cluster).await?;
            login.await
        }
    }?;
    if cx.out.for_programs() {
        cx.out.document(&json!({ "cluster": done.cluster, "issuer": done.issuer, "user": done.user, "expiresAt": done.expires_at }));
        return Ok(0);
    }
    let (cluster, user, until) = (tame_line(&done.cluster), tame_line(&done.user), moment(done.expires_at));
    cx.out.remark(&if done.renews {
        Text::new(
            format!("signed in to {cluster} as {user}; renewed by itself from {until} on"),
            format!("已以 {user} 的身份登录 {cluster}；{until} 起自动续期"),
        )
    } else {
        Text::new(format!("signed in to {cluster} as {user} until {until}"), format!("已以 {user} 的身份登录 {cluster}，有效至 {until}"))
    });
    Ok(0)
}

/// What the person has to do now, on stderr, whatever else is quiet.
fn show(out: &Out, step: &LoginStep) {
    match step {
        LoginStep::Page { opened: true, .. } => {
            out.tell(out.word("waiting for the browser to come back (Ctrl-C gives it up)", "正在等待浏览器返回（按 Ctrl-C 放弃）"));
        }
        LoginStep::Page { url, opened: false } => {
            out.tell(out.word("open this page in a browser of this machine:", "请在本机浏览器中打开此页面："));
            out.tell(&format!("  {}", tame_line(url)));
        }
        LoginStep::Code(code) => {
            out.tell(out.word("open this page on any device:", "请在任意设备上打开此页面："));
            out.tell(&format!("  {}", tame_line(&code.page)));
            out.tell(&format!("{} {}", out.word("and type this code:", "并输入此代码："), tame_line(&code.code)));
            if let Some(page) = &code.page_with_code {
                out.tell(&format!("  ({})", tame_line(page)));
            }
        }
    }
}

/// Signs out.
pub(super) async fn logout(cx: &Context, cluster: &str) -> Result<u8, Fault> {
    let done = cx.app.clusters.logout(cluster, &cx.actor).await?;
    if cx.out.for_programs() {
        cx.out.document(&done);
        return Ok(0);
    }
    let (name, issuer) = (tame_line(&done.cluster), tame_line(&done.issuer));
    cx.out.remark(&match &done.revocation {
        Revocation::Nothing => Text::new(format!("nobody was signed in to {name}"), format!("{name} 没有登录状态")),
        Revocation::Done => {
            Text::new(format!("signed out of {name}; {issuer} withdrew the tokens"), format!("已退出 {name}；{issuer} 已撤销令牌"))
        }
        Revocation::NotOffered => Text::new(
            format!("signed out of {name}; {issuer} withdraws no tokens: what was issued ends by itself"),
            format!("已退出 {name}；{issuer} 不支持撤销：已签发的令牌将自行到期"),
        ),
        Revocation::Failed { why } => Text::new(
            format!("signed out of {name}; {issuer} did not withdraw the tokens: {}", why.en),
            format!("已退出 {name}；{issuer} 未撤销令牌：{}", why.zh),
        ),
    });
    Ok(0)
}
