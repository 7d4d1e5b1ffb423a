//! A program of which nothing was said yet, while somebody is there to be asked.

use app::AppEvent;
use app::credentials::{Caller, ConsentFor, CredentialOrder};
use domain::Json;
use domain::cluster::{ClusterDef, Clusters as _};
use domain::fault::Fault;
use domain::id::Clock as _;
use domain::person::{Answer, Matter, Scope};
use domain::policy::Actor;
use domain::ports::Settings as _;
use domain::reach::CLUSTERS_LOCKED;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::house::{House, script, window};

fn cluster(id: &str, name: &str) -> ClusterDef {
    serde_json::from_value(json!({
        "id": id, "name": name, "server": "https://api.example:6443", "insecure": false, "auth": { "kind": "token", "token": "s1" },
        "readOnly": false, "createdAt": 0, "updatedAt": 0,
    }))
    .unwrap()
}

fn caller(program: &str) -> Caller {
    Caller { program: program.into(), sha256: "ab".repeat(32) }
}

fn order(program: &str, cluster: &str, actor: &Actor) -> CredentialOrder {
    let info = json!({
        "kind": "ExecCredential", "apiVersion": "client.authentication.k8s.io/v1",
        "spec": { "interactive": false, "cluster": { "server": "https://api.example:6443" } },
    });
    CredentialOrder {
        cluster: cluster.into(),
        info: Some(info.to_string()),
        caller: Some(caller(program)),
        actor: actor.clone(),
        pilot: "pilot".into(),
    }
}

type Asked = tokio::task::JoinHandle<Result<Json, Fault>>;

/// A program asks, in a task of its own, as kubectl does.
fn asks(house: &House, program: &str, cluster: &str) -> Asked {
    let (app, order) = (house.app.clone(), order(program, cluster, &script()));
    tokio::spawn(async move { app.credentials.issue(&order).await.map(|answer| serde_json::from_str(answer.expose()).unwrap()) })
}

async fn opened() -> House {
    let house = House::open().await;
    house.clusters.put_clusters(&[cluster("c1", "prod"), cluster("c2", "dev")]).await.unwrap();
    house
}

async fn questions(house: &House, count: usize) {
    house.until(|house| house.app.questions.pending().len() == count).await;
}

/// Answers the oldest question.
async fn says(house: &House, answer: Answer) {
    house.until(|house| !house.app.questions.pending().is_empty()).await;
    let id = house.app.questions.pending()[0].id.clone();
    house.app.questions.answer(&id, answer).unwrap();
}

fn yes(scope: Scope) -> Answer {
    Answer::Yes { scope }
}

fn no() -> Answer {
    Answer::No { reason: String::new() }
}

async fn code(asked: Asked) -> String {
    asked.await.unwrap().map(|_| ()).unwrap_err().code
}

#[tokio::test]
async fn the_question_says_which_program_wants_which_cluster_where() {
    let house = opened().await;
    let asked = asks(&house, "/usr/bin/kubectl", "c1");
    questions(&house, 1).await;
    let question = house.app.questions.pending().remove(0);
    let expected = Matter::Credential {
        program: "/usr/bin/kubectl".into(),
        sha256: "ab".repeat(32),
        cluster: "c1".into(),
        cluster_name: "prod".into(),
        api_server: "https://api.example:6443".into(),
    };
    assert_eq!((&question.matter, question.expires_at.since(question.asked_at)), (&expected, 60_000));
    let session = house.app.questions.answer(&question.id, yes(Scope::Session)).unwrap_err();
    assert_eq!(session.code, "answer_does_not_fit", "a yes until the app ends is not offered");
    assert!(house.app.questions.answer(&question.id, Answer::Data { data: json!({}) }).is_err());
    says(&house, yes(Scope::Once)).await;
    assert_eq!(asked.await.unwrap().unwrap()["status"]["token"], "canary-token");
}

#[tokio::test]
async fn each_answer_is_kept_and_written_down_and_counts_for_as_long_as_it_says() {
    for (answer, kept, then) in [
        (yes(Scope::Once), None, "asks"),
        (yes(Scope::Quarter), Some("until"), "given"),
        (yes(Scope::Always), Some("always"), "given"),
        (no(), Some("deny"), "consent_denied"),
    ] {
        let house = opened().await;
        let asked = asks(&house, "/k", "c1");
        says(&house, answer.clone()).await;
        let came = asked.await.unwrap();
        assert_eq!(came.is_ok(), then != "consent_denied", "{answer:?}: {came:?}");
        let all = house.app.credentials.consents().await.unwrap();
        assert_eq!(all.first().map(|one| one.answer), kept, "{answer:?}");
        assert!(all.iter().all(|one| one.cluster.as_deref() == Some("prod")), "for the cluster that was asked about: {all:?}");
        let story = house.audit.story();
        let expected = if came.is_ok() { "credential_issued" } else { "credential_refused" };
        assert_eq!(story, ["consent_given", expected], "{answer:?}");
        let by = house.audit.rows()[0].entry.actor.clone();
        assert_eq!((by.door, by.can_ask), (window().door, true), "a person at the window said it");
        // The next one.
        let next = asks(&house, "/k", "c1");
        if then == "asks" {
            questions(&house, 1).await;
            next.abort();
        } else {
            let came = next.await.unwrap();
            assert_eq!(came.map_or_else(|fault| fault.code, |_| "given".into()), then, "{answer:?}");
            assert_eq!(house.app.questions.pending(), []);
        }
    }
}

#[tokio::test]
async fn callers_of_the_same_thing_share_one_question_and_others_are_not_held_up() {
    let house = opened().await;
    let mut events = house.app.events();
    house.app.credentials.consent(&caller("/known"), ConsentFor::Always, None, &window()).await.unwrap();
    let crowd: Vec<Asked> = (0..5).map(|_| asks(&house, "/k", "c1")).collect();
    let other = asks(&house, "/k", "c2");
    questions(&house, 2).await;
    // Somebody who may goes past.
    assert!(asks(&house, "/known", "c1").await.unwrap().is_ok());
    says(&house, yes(Scope::Always)).await;
    says(&house, no()).await;
    let mut given = 0;
    for asked in crowd {
        given += usize::from(asked.await.unwrap().is_ok());
    }
    let other = other.await.unwrap().is_ok();
    assert!((given == 5) != other && (given == 0 || given == 5), "one answer for all five: {given}, {other}");
    let mut shown = 0;
    while let Ok(event) = events.try_recv() {
        shown += usize::from(matches!(event, AppEvent::Question(_)));
    }
    assert_eq!(shown, 2, "no storm of questions");
}

#[tokio::test]
async fn of_a_crowd_one_gets_what_was_allowed_once_and_the_rest_is_asked_about_again() {
    let house = opened().await;
    let mut crowd: Vec<Asked> = (0..3).map(|_| asks(&house, "/k", "c1")).collect();
    questions(&house, 1).await;
    for left in [2, 1, 0] {
        says(&house, yes(Scope::Once)).await;
        let (came, _, rest) = futures::future::select_all(crowd).await;
        assert!(came.unwrap().is_ok());
        crowd = rest;
        assert_eq!(crowd.len(), left);
        if left == 0 {
            break;
        }
    }
    assert_eq!(house.audit.story().iter().filter(|what| *what == "consent_given").count(), 3, "one yes for each");
    assert_eq!(house.clusters.consents().await.unwrap(), []);
}

#[tokio::test]
async fn nobody_answering_is_a_no_for_now_with_the_way_out() {
    let house = opened().await;
    let asked = asks(&house, "/k", "c1");
    questions(&house, 1).await;
    let question = house.app.questions.pending().remove(0);
    // The minute is over.
    house.app.questions.answer(&question.id, Answer::Nobody).unwrap();
    let fault = asked.await.unwrap().unwrap_err();
    assert_eq!((fault.code.as_str(), fault.kind.exit_code()), ("consent_needed", 6));
    assert!(fault.message.en.contains("nobody answered"), "{}", fault.message.en);
    assert!(fault.hint.en.contains("pilot cluster consent --program /k --for always --cluster prod"), "{}", fault.hint.en);
    assert_eq!(house.clusters.consents().await.unwrap(), [], "nothing was said, nothing is kept");
    assert_eq!(house.audit.story(), ["credential_refused"]);
}

#[tokio::test(start_paused = true)]
async fn a_question_lasts_a_minute_and_no_longer() {
    let house = opened().await;
    let began = tokio::time::Instant::now();
    assert_eq!(code(asks(&house, "/k", "c1")).await, "consent_needed");
    assert_eq!(began.elapsed().as_secs(), 60);
    assert_eq!(house.app.questions.pending(), []);
}

#[tokio::test]
async fn locking_withdraws_what_is_asked_whoever_locks() {
    let house = opened().await;
    // At the window.
    let asked = [asks(&house, "/k", "c1"), asks(&house, "/other", "c2")];
    questions(&house, 2).await;
    house.app.clusters.lock(&window()).await.unwrap();
    for asked in asked {
        assert_eq!(code(asked).await, "clusters_locked");
    }
    questions(&house, 0).await;
    assert_eq!(code(asks(&house, "/k", "c1")).await, "clusters_locked", "nobody is asked while it is locked");
    assert_eq!(house.app.questions.pending(), []);
    house.app.clusters.unlock(&window()).await.unwrap();
    // In another process: all that this one sees is the setting.
    let asked = asks(&house, "/k", "c1");
    questions(&house, 1).await;
    house.settings.set(CLUSTERS_LOCKED, &Json::Bool(true)).await.unwrap();
    assert_eq!(code(asked).await, "clusters_locked");
    questions(&house, 0).await;
    assert_eq!(house.clusters.consents().await.unwrap(), []);
}

#[tokio::test]
async fn a_question_goes_with_the_last_of_those_who_wait_for_it() {
    let house = opened().await;
    let (one, other) = (asks(&house, "/k", "c1"), asks(&house, "/k", "c1"));
    questions(&house, 1).await;
    one.abort();
    assert!(one.await.unwrap_err().is_cancelled());
    assert_eq!(house.app.questions.pending().len(), 1, "somebody still waits");
    other.abort();
    questions(&house, 0).await;
    // Asked anew, it is a new question.
    let again = asks(&house, "/k", "c1");
    says(&house, yes(Scope::Once)).await;
    assert!(again.await.unwrap().is_ok());
}

#[tokio::test]
async fn too_many_questions_at_once_are_not_put() {
    let house = opened().await;
    let mut waiting: Vec<Asked> = (0..6).map(|nth| asks(&house, &format!("/k{nth}"), "c1")).collect();
    questions(&house, 6).await;
    assert_eq!(code(asks(&house, "/one-more", "c1")).await, "consent_needed");
    // Eight wait for one question; the ninth does not.
    waiting.extend((0..7).map(|_| asks(&house, "/k0", "c1")));
    // They were first.
    assert_eq!(code(asks(&house, "/k0", "c1")).await, "consent_needed");
    assert_eq!(house.app.questions.pending().len(), 6);
    for asked in waiting {
        asked.abort();
    }
    questions(&house, 0).await;
}

#[tokio::test]
async fn nobody_is_asked_for_what_cannot_be_given_or_for_another_server() {
    let house = opened().await;
    let basic = ClusterDef { auth: serde_json::from_value(json!({ "kind": "basic", "pair": "s2" })).unwrap(), ..cluster("c3", "basic") };
    house.clusters.put_clusters(&[basic]).await.unwrap();
    assert_eq!(code(asks(&house, "/k", "c3")).await, "credential_not_expressible");
    let mut evil = order("/k", "c1", &script());
    evil.info = evil.info.map(|info| info.replace("api.example", "evil.example"));
    assert_eq!(house.app.credentials.issue(&evil).await.unwrap_err().code, "pin_mismatch");
    assert_eq!(house.app.questions.pending(), []);
}

#[tokio::test]
async fn b15_a_crowd_at_once_does_not_slip_past_the_limit() {
    let house = opened().await;
    house.app.credentials.consent(&caller("/k"), ConsentFor::Always, None, &window()).await.unwrap();
    let crowd: Vec<Asked> = (0..60).map(|_| asks(&house, "/k", "c1")).collect();
    let mut given = 0;
    for asked in crowd {
        given += usize::from(asked.await.unwrap().is_ok());
    }
    assert!(given <= 30, "{given}");
    assert_eq!(house.audit.story().iter().filter(|what| *what == "credential_issued").count(), given);
}

#[tokio::test]
async fn what_was_said_is_listed_with_its_last_use_and_taken_back() {
    let house = opened().await;
    let app = &house.app;
    for (answer, cluster) in [(ConsentFor::Always, Some("prod")), (ConsentFor::Quarter, Some("dev")), (ConsentFor::Deny, None)] {
        let program = if cluster.is_some() { "/k" } else { "/bad" };
        app.credentials.consent(&caller(program), answer, cluster, &window()).await.unwrap();
    }
    house.clock.advance(5_000);
    assert!(asks(&house, "/k", "c1").await.unwrap().is_ok());
    let used = house.clock.now();
    house.clock.advance(5_000);
    let all = app.credentials.consents().await.unwrap();
    let short: Vec<_> = all.iter().map(|one| (one.program.as_str(), one.cluster.as_deref(), one.answer, one.last_used)).collect();
    assert_eq!(
        short,
        [("/bad", None, "deny", None), ("/k", Some("prod"), "always", Some(used)), ("/k", Some("dev"), "until", None)],
        "{all:?}"
    );
    house.clock.advance(900_000);
    assert_eq!(app.credentials.consents().await.unwrap().len(), 2, "a time that is over is not listed");

    assert_eq!(app.credentials.take_back("/nobody", None, &window()).await.unwrap_err().code, "no_such_consent");
    assert_eq!(app.credentials.take_back("/k", Some("dev"), &window()).await.unwrap(), 1);
    app.credentials.take_back_one("/k", Some(&"c1".into()), &window()).await.unwrap();
    assert_eq!(app.credentials.take_back_one("/k", Some(&"c1".into()), &window()).await.unwrap_err().code, "no_such_consent");
    let asked = asks(&house, "/k", "c1");
    questions(&house, 1).await;
    asked.abort();
    assert_eq!(app.credentials.take_back("/bad", None, &window()).await.unwrap(), 1, "a no can be taken back too");
    assert_eq!(house.clusters.consents().await.unwrap(), []);
    assert_eq!(house.audit.story().iter().filter(|what| *what == "consent_withdrawn").count(), 3, "each is written down");
}

#[tokio::test]
async fn what_another_process_says_or_locks_is_shown_at_the_window() {
    let house = opened().await;
    let mut events = house.app.events();
    let stop = CancellationToken::new();
    let (app, until) = (house.app.clone(), stop.clone());
    let watching = tokio::spawn(async move { app.credentials.watch(until).await });
    // It looks once before anything happens.
    tokio::task::yield_now().await;
    let other = house.again().await;
    other.app.credentials.consent(&caller("/k"), ConsentFor::Always, None, &script()).await.unwrap();
    settings_change(&mut events).await;
    other.app.clusters.lock(&script()).await.unwrap();
    settings_change(&mut events).await;
    stop.cancel();
    watching.await.unwrap();
}

async fn settings_change(events: &mut tokio::sync::broadcast::Receiver<AppEvent>) {
    while events.recv().await.unwrap() != AppEvent::Changed(app::Tag::Settings) {}
}
