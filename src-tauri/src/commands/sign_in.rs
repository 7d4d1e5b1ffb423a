//! Commands about signing in to a cluster at its issuer.

use app::clusters::{LoginOrder, LoginStep, PageBy};
use domain::sign_in::{Revocation, SignInWay};
use ipc::common::{IdReq, Nothing, UiFault};
use ipc::sign_in::{ClusterLoginReq, LoggedInView, LoggedOutView, LoginStepView, SignInView};
use tauri::State;
use tauri::ipc::Channel;

use crate::cabin::Cabin;

type Answer<T> = Result<T, UiFault>;

fn step(step: LoginStep) -> LoginStepView {
    match step {
        LoginStep::Page { url, opened } => LoginStepView::Page { url, opened },
        LoginStep::Code(code) => {
            LoginStepView::Code { page: code.page, page_with_code: code.page_with_code, code: code.code, expires_at: code.expires_at.0 }
        }
    }
}

#[tauri::command]
pub(super) async fn cluster_login(cabin: State<'_, Cabin>, req: ClusterLoginReq, channel: Channel<LoginStepView>) -> Answer<LoggedInView> {
    let way = if req.device { SignInWay::Code } else { SignInWay::Browser { port: None } };
    let order = LoginOrder { cluster: req.id, way, page: PageBy::Opening };
    let tell = move |said| {
        let _ = channel.send(step(said));
    };
    let done = cabin.app().await?.clusters.login(&order, &tell, cabin.actor()).await?;
    Ok(LoggedInView { user: done.user, expires_at: done.expires_at.0, renews: done.renews })
}

#[tauri::command]
pub(super) async fn cluster_login_cancel(cabin: State<'_, Cabin>, req: IdReq) -> Answer<Nothing> {
    cabin.app().await?.clusters.cancel_login(&req.id).await?;
    Ok(Nothing {})
}

#[tauri::command]
pub(super) async fn cluster_sign_in(cabin: State<'_, Cabin>, req: IdReq) -> Answer<SignInView> {
    let state = cabin.app().await?.clusters.sign_in_state(&req.id).await?;
    Ok(SignInView {
        issuer: state.issuer,
        user: state.user,
        expires_at: state.expires_at.map(|at| at.0),
        renews: state.renews,
        needed: state.needed,
    })
}

#[tauri::command]
pub(super) async fn cluster_logout(cabin: State<'_, Cabin>, req: IdReq) -> Answer<LoggedOutView> {
    let done = cabin.app().await?.clusters.logout(&req.id, cabin.actor()).await?;
    let (revoked, why) = match done.revocation {
        Revocation::Nothing => ("nothing", None),
        Revocation::Done => ("done", None),
        Revocation::NotOffered => ("not_offered", None),
        Revocation::Failed { why } => ("failed", Some(why.into())),
    };
    Ok(LoggedOutView { revoked: revoked.to_owned(), why })
}
