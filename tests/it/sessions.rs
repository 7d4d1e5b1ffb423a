//! Connections: consent, trouble, and coming back.

use std::time::Duration;

use domain::fault::{FaultKind, ServerFault};
use domain::id::{Millis, QuestionId};
use domain::person::{Answer, Matter, Question, Scope};
use domain::protocol::SessionEvent;
use domain::server::{ServerState, StartRule};
use serde_json::json;
use testkit::scripted::{Act, lost, nobody_there, tool};
use tokio::time::Instant;

use crate::house::{House, map, no, order, script, window, yes};

#[tokio::test]
async fn a_program_is_not_started_before_a_person_saw_its_argv() {
    let person = yes(Scope::Always);
    let house = House::with(Some(person.clone())).await;
    let mut def = house.stage.program("a", "npx");
    def.settings.insert("args".into(), json!(["-y", "thing", "--token=${TOKEN}"]));
    def.settings
        .extend(map(json!({ "cwd": "/some where", "env": { "API_KEY": "key-canary", "LEVEL": "3" }, "inherit_env": ["KUBECONFIG"] })));
    house.env.set("TOKEN", "tok-canary");
    let server = house.save(def).await;
    assert_eq!(house.app.sessions.state(&server).unwrap().0.word(), "needs_review");
    house.call(&server, "get-thing").await.unwrap();
    let asked = person.asked();
    let Matter::Start { what, program, warnings } = &asked[0].matter else { panic!("{asked:?}") };
    assert_eq!(what, "npx -y thing --token=${TOKEN}", "exactly what runs; references stay references");
    let program = program.as_ref().expect("a program starts");
    assert_eq!((program.cwd.as_deref(), program.variables.join(" ").as_str()), (Some("/some where"), "API_KEY LEVEL KUBECONFIG"));
    assert!(!serde_json::to_string(&asked[0]).unwrap().contains("canary"), "no value of a variable is shown");
    assert!(warnings.iter().any(|warning| warning.en.contains("downloaded")), "{warnings:?}");
    assert!(house.audit.story().contains(&"start_accepted".to_owned()));
    house.app.shutdown().await;
    let next = house.again().await;
    next.call(&server, "get-thing").await.unwrap();
    assert_eq!(person.asked().len(), 1, "always is always");
}

#[tokio::test]
async fn a_no_starts_nothing_and_neither_does_nobody() {
    let house = House::with(Some(no())).await;
    let server = house.save(house.stage.program("a", "server")).await;
    for actor in [window(), script()] {
        let fault = house.app.desk.call(order(&server, "get-thing", &actor)).await.unwrap_err();
        assert_eq!((fault.kind, fault.code.as_str()), (FaultKind::Denied, "consent_required"));
    }
    house.app.sessions.start_all();
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(house.peer("a").connects(), 0);
    assert!(matches!(house.app.sessions.state(&server).unwrap().0, ServerState::NeedsReview { .. }));
}

#[tokio::test]
async fn a_one_off_from_the_command_line_is_consent_to_itself_and_is_not_kept() {
    let house = House::open().await;
    let id = house.app.sessions.one_off(house.stage.program("a", "server")).unwrap();
    assert!(id.as_str().starts_with("one-off:"));
    house.app.desk.call(order(&id, "get-thing", &script())).await.unwrap();
    assert!(house.app.book.list().await.unwrap().is_empty());
    house.app.sessions.forget(&id).await;
    assert_eq!(house.peer("a").closes(), 1);
    assert_eq!(house.app.sessions.state(&id).unwrap_err().code, "no_server");
}

#[tokio::test]
async fn a_definition_that_changed_behind_our_back_starts_nothing_until_it_is_accepted() {
    for change in
        [json!({ "command": "evil" }), json!({ "args": ["--evil"] }), json!({ "env": { "LD_PRELOAD": "evil" } }), json!({ "peer": "b" })]
    {
        let house = House::open().await;
        let def = house.stage.program("a", "server");
        house.servers.accepted(def.clone());
        let house = house.again().await;
        house.app.desk.call(order(&def.id, "get-thing", &script())).await.unwrap();
        house.app.sessions.disconnect(&def.id).await.unwrap();
        house.servers.edit(&def.id, |def| def.settings.extend(map(change.clone())));
        let fault = house.app.desk.call(order(&def.id, "get-thing", &script())).await.unwrap_err();
        assert_eq!(fault.code, "consent_required", "{change}");
        assert_eq!(house.peer("a").connects() + house.peer("b").connects(), 1, "{change}");
        assert!(!house.app.book.get("a").await.unwrap().accepted);
        house.app.book.accept(&def.id, &window()).await.unwrap();
        house.app.desk.call(order(&def.id, "get-thing", &script())).await.unwrap();
    }
}

#[tokio::test]
async fn an_import_carries_no_trust() {
    let house = House::open().await;
    let mut def = house.stage.def("a");
    def.origin = "import:mcp.json".into();
    let server = house.save(def).await;
    let fault = house.app.desk.call(order(&server, "get-thing", &script())).await.unwrap_err();
    assert_eq!(fault.code, "consent_required");
    assert_eq!(house.peer("a").connects(), 0);
    house.app.book.accept(&server, &window()).await.unwrap();
    house.app.desk.call(order(&server, "get-thing", &script())).await.unwrap();
}

#[tokio::test]
async fn tools_that_cannot_be_listed_are_a_reason_and_not_an_empty_list() {
    let house = House::open().await;
    let server = house.server("a").await;
    *house.peer("a").on_list.lock().unwrap() =
        Act::Fail(ServerFault::Rpc { code: -32603, message: "no database".into(), data: json!(null) });
    let state = house.app.sessions.connect(&server, &window()).await.unwrap();
    let ServerState::Degraded { fault } = state else { panic!("{state:?}") };
    assert!(fault.message.en.contains("no database"), "{}", fault.message.en);
    *house.peer("a").on_list.lock().unwrap() = Act::Answer;
    assert_eq!(house.app.tools.refresh(&server, &window()).await.unwrap().len(), 3);
    assert_eq!(house.app.sessions.state(&server).unwrap().0, ServerState::Connected);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_comes_back_is_found_again_by_itself() {
    let house = House::open().await;
    let server = house.server("a").await;
    house.app.sessions.connect(&server, &window()).await.unwrap();
    *house.peer("a").on_connect.lock().unwrap() = Act::Fail(nobody_there());
    house.peer("a").event(SessionEvent::Ended(lost(false)));
    let state = house.becomes(&server, "error").await;
    assert!(matches!(state, ServerState::Error { next_try_at: Some(_), .. }), "{state:?}");
    assert!(house.app.tools.of(&server).unwrap().iter().all(|view| view.stale), "shown as they were last seen");
    assert_eq!(house.app.tools.of(&server).unwrap().len(), 3);
    tokio::time::sleep(Duration::from_secs(3600)).await;
    let tries = house.peer("a").connects();
    assert!((55..150).contains(&tries), "about one a minute once it has been away for long, not {tries} in an hour");
    *house.peer("a").on_connect.lock().unwrap() = Act::Answer;
    house.becomes(&server, "connected").await;
    assert!(house.app.tools.of(&server).unwrap().iter().all(|view| !view.stale));
}

#[tokio::test(start_paused = true)]
async fn five_crashes_in_a_minute_open_the_circuit_and_a_call_closes_it() {
    let house = House::open().await;
    let server = house.server("a").await;
    let crash = || ServerFault::ServerExited { how: "exit 1".into(), stderr_tail: "boom".into() };
    *house.peer("a").on_connect.lock().unwrap() = Act::Fail(crash());
    house.app.sessions.connect(&server, &window()).await.unwrap_err();
    tokio::time::sleep(Duration::from_secs(600)).await;
    let (state, _) = house.app.sessions.state(&server).unwrap();
    assert!(matches!(state, ServerState::Error { next_try_at: None, .. }), "{state:?}");
    assert_eq!(house.peer("a").connects(), 6, "the first start and five restarts");
    assert_eq!(house.app.sessions.stderr(&server).unwrap().unwrap(), "boom");
    *house.peer("a").on_connect.lock().unwrap() = Act::Answer;
    house.call(&server, "get-thing").await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_only_a_person_can_put_right_is_tried_once() {
    let house = House::open().await;
    let server = house.server("a").await;
    *house.peer("a").on_connect.lock().unwrap() = Act::Fail(ServerFault::AuthFailed { reason: "expired".into() });
    let fault = house.app.sessions.connect(&server, &window()).await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Auth);
    tokio::time::sleep(Duration::from_secs(600)).await;
    assert_eq!(house.peer("a").connects(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_hangs_makes_nobody_else_wait() {
    let house = House::open().await;
    let (slow, good) = (house.server("slow").await, house.server("good").await);
    *house.peer("slow").on_connect.lock().unwrap() = Act::Deaf;
    let (desk, hung) = (house.app.desk.clone(), order(&slow, "get-thing", &window()));
    let waiting = desk.call(hung);
    tokio::pin!(waiting);
    assert!(futures::poll!(&mut waiting).is_pending());
    let begun = Instant::now();
    for _ in 0..100 {
        house.call(&good, "get-thing").await.unwrap();
    }
    assert!(begun.elapsed() < Duration::from_secs(1));
    let fault = waiting.await.unwrap_err();
    assert_eq!((fault.code.as_str(), fault.params["phase"].as_str().unwrap()), ("timeout", "handshake"));
    assert_eq!(begun.elapsed().as_secs(), 30);
}

#[tokio::test(start_paused = true)]
async fn fifty_servers_that_hang_do_not_hold_up_the_start_of_the_others() {
    let house = House::open().await;
    for n in 0..60 {
        let name = format!("s{n:02}");
        let mut def = house.stage.def(&name);
        def.start = StartRule::default();
        if n < 50 {
            *house.peer(&name).on_connect.lock().unwrap() = Act::Deaf;
        }
        house.save(def).await;
    }
    let begun = Instant::now();
    house.app.sessions.start_all();
    for n in 50..60 {
        house.becomes(&format!("id-s{n}").into(), "connected").await;
    }
    assert!(begun.elapsed() < Duration::from_secs(25), "{:?}", begun.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_flood_of_changes_is_asked_about_once_a_second() {
    let house = House::open().await;
    let server = house.server("a").await;
    house.app.sessions.connect(&server, &window()).await.unwrap();
    let before = house.peer("a").lists();
    for _ in 0..5_000 {
        house.peer("a").event(SessionEvent::ToolsChanged);
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let asked = house.peer("a").lists() - before;
    assert!((4..=6).contains(&asked), "five seconds, not {asked} times");
    house.peer("a").offers(vec![tool("get-last")]);
    house.peer("a").event(SessionEvent::ToolsChanged);
    house.until(|house| house.app.tools.of(&server).unwrap().len() == 1).await;
}

#[tokio::test(start_paused = true)]
async fn a_failed_health_check_degrades_and_three_reconnect() {
    let house = House::open().await;
    let server = house.server("a").await;
    house.app.sessions.connect(&server, &window()).await.unwrap();
    *house.peer("a").on_health.lock().unwrap() = Act::Deaf;
    let state = house.becomes(&server, "degraded").await;
    assert_eq!(state.fault().unwrap().params["phase"], "health");
    house.call(&server, "get-thing").await.unwrap();
    *house.peer("a").on_health.lock().unwrap() = Act::Answer;
    house.becomes(&server, "connected").await;
    assert_eq!(house.peer("a").connects(), 1, "once is not enough");
    *house.peer("a").on_health.lock().unwrap() = Act::Deaf;
    house.until(|house| house.peer("a").connects() == 2).await;
    assert_eq!(house.peer("a").closes(), 1, "the old session was closed first");
}

#[tokio::test(start_paused = true)]
async fn an_idle_server_is_let_go_and_comes_back_for_the_next_call() {
    let house = House::open().await;
    let mut def = house.stage.def("a");
    def.start = StartRule { lazy: true, idle_stop_secs: 60 };
    let server = house.save(def).await;
    house.call(&server, "get-thing").await.unwrap();
    house.becomes(&server, "disconnected").await;
    assert_eq!(house.peer("a").closes(), 1);
    house.call(&server, "get-thing").await.unwrap();
    assert_eq!(house.peer("a").connects(), 2);
}

#[tokio::test]
async fn at_the_window_a_server_starts_as_soon_as_it_may() {
    let house = House::open().await;
    house.app.sessions.start_all();
    let mut def = house.stage.program("a", "server");
    def.start = StartRule::default();
    let server = house.save(def).await;
    assert_eq!(house.app.sessions.state(&server).unwrap().0.word(), "needs_review");
    house.app.book.accept(&server, &window()).await.unwrap();
    house.becomes(&server, "connected").await;
}

#[tokio::test]
async fn tools_are_there_before_their_server_is() {
    let house = House::open().await;
    let server = house.server("a").await;
    house.call(&server, "get-thing").await.unwrap();
    house.app.shutdown().await;
    assert_eq!(house.peer("a").closes(), 1);
    assert!(house.audit.was_flushed());
    let next = house.again().await;
    let views = next.app.tools.all();
    assert_eq!(views.len(), 3);
    assert!(views.iter().all(|view| view.stale && view.server_name == "a"));
    assert_eq!(next.peer("a").connects(), 1, "nothing was connected for that");
}

#[tokio::test]
async fn a_variable_that_is_not_set_is_named_and_nothing_is_reached() {
    let house = House::open().await;
    let mut def = house.stage.def("a");
    def.settings.insert("auth_token".into(), json!("${MISSING}"));
    let server = house.save(def).await;
    let fault = house.call(&server, "get-thing").await.unwrap_err();
    assert_eq!((fault.kind, fault.code.as_str()), (FaultKind::Config, "unset_variable"));
    assert!(fault.message.en.contains("MISSING"));
    assert_eq!(house.peer("a").connects(), 0);
}

#[tokio::test]
async fn secrets_are_known_before_anything_is_sent() {
    let house = House::open().await;
    let mut def = house.stage.def("a");
    def.settings.extend(map(json!({ "auth_token": "tok-1234", "key": "${KEY}", "auth_headers": { "X-Api": "Bearer hdr-1234" } })));
    house.env.set("KEY", "key-1234");
    *house.peer("a").on_connect.lock().unwrap() = Act::Fail(ServerFault::AuthFailed { reason: "no key-1234 here, nor hdr-1234".into() });
    let server = house.save(def).await;
    let fault = house.call(&server, "get-thing").await.unwrap_err();
    for secret in ["tok-1234", "key-1234", "hdr-1234"] {
        assert!(house.redact.learned().iter().any(|known| known == secret), "{secret}");
        assert!(!serde_json::to_string(&fault).unwrap().contains(secret), "{fault:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_servers_questions_are_labelled_limited_and_never_ask_for_a_password() {
    let person = yes(Scope::Once);
    let house = House::with(Some(person.clone())).await;
    let server = house.server("a").await;
    house.app.sessions.connect(&server, &window()).await.unwrap();
    let host = house.peer("a").host();
    let ask = |matter| Question {
        id: QuestionId::new("theirs"),
        server: "somebody-else".into(),
        server_name: "Your Bank".into(),
        matter,
        asked_at: Millis(0),
        expires_at: Millis(i64::MAX),
    };
    let form = |field: &str| Matter::Form { message: "please".into(), schema: json!({ "properties": { field: { "type": "string" } } }) };
    let refused = host.ask(ask(form("password"))).await;
    assert!(matches!(refused, Answer::No { .. }), "{refused:?}");
    let visit = |url: &str| Matter::Visit { message: "go".into(), url: url.into() };
    for url in ["javascript:alert(1)", "file:///etc/passwd", "https://user:pw@x.test/"] {
        assert!(matches!(host.ask(ask(visit(url))).await, Answer::No { .. }), "{url}");
    }
    let start = Matter::Start { what: "rm -rf /".into(), program: None, warnings: vec![] };
    assert!(matches!(host.ask(ask(start)).await, Answer::No { .. }), "a server cannot put the app's own questions");
    assert!(person.asked().is_empty(), "none of these came before a person");
    for n in 0..5 {
        let answer = host.ask(ask(form("name"))).await;
        assert_eq!(matches!(answer, Answer::Yes { .. }), n < 3, "three a minute");
    }
    let first = &person.asked()[0];
    assert_eq!((first.server.as_str(), first.server_name.as_str()), (server.as_str(), "a"), "labelled with who asks");
    assert!(first.expires_at.0 <= 1_000_000 + 300_000);
    tokio::time::sleep(Duration::from_secs(61)).await;
    assert!(matches!(host.ask(ask(form("name"))).await, Answer::Yes { .. }));
}

#[tokio::test]
async fn a_page_opens_only_after_a_yes_to_exactly_it() {
    let house = House::with(Some(yes(Scope::Once))).await;
    let server = house.server("a").await;
    house.app.sessions.connect(&server, &window()).await.unwrap();
    let url = url::Url::parse("https://login.test/authorize?x=1").unwrap();
    house.peer("a").host().open_page(&url).await.unwrap();
    assert_eq!(house.browser.opened(), [url.as_str()]);
    let house = House::with(Some(no())).await;
    let server = house.server("a").await;
    house.app.sessions.connect(&server, &window()).await.unwrap();
    house.peer("a").host().open_page(&url).await.unwrap_err();
    assert!(house.browser.opened().is_empty());
}

#[tokio::test]
async fn a_server_that_is_removed_or_switched_off_is_let_go() {
    let house = House::open().await;
    let (one, two) = (house.server("one").await, house.server("two").await);
    house.call(&one, "get-thing").await.unwrap();
    house.call(&two, "get-thing").await.unwrap();
    house.app.book.remove(&one, &window()).await.unwrap();
    house.app.book.set_enabled(&two, false, &window()).await.unwrap();
    assert_eq!((house.peer("one").closes(), house.peer("two").closes()), (1, 1));
    assert_eq!(house.call(&one, "get-thing").await.unwrap_err().code, "no_server");
    assert_eq!(house.call(&two, "get-thing").await.unwrap_err().code, "server_disabled");
    assert_eq!(house.app.sessions.state(&two).unwrap().0, ServerState::Disabled);
    assert!(house.app.tools.all().is_empty());
    house.app.book.set_enabled(&two, true, &window()).await.unwrap();
    house.call(&two, "get-thing").await.unwrap();
    assert!(house.audit.story().contains(&"server_removed".to_owned()));
}

#[tokio::test]
async fn names_are_unique_and_settings_are_checked_before_they_are_kept() {
    let house = House::open().await;
    house.server("a").await;
    let mut twin = house.stage.def("b");
    twin.name = " a ".into();
    assert_eq!(house.app.book.save(twin, &window()).await.unwrap_err().code, "name_taken");
    let mut wrong = house.stage.def("c");
    wrong.settings.insert("tiemout".into(), json!(3));
    let fault = house.app.book.save(wrong, &window()).await.unwrap_err();
    assert_eq!((fault.code.as_str(), fault.params["field"].as_str().unwrap()), ("settings", "tiemout"));
    let mut both = house.stage.def("d");
    both.settings.extend(map(json!({ "auth_token": "${MISSING}", "tiemout": 3 })));
    assert_eq!(house.app.book.check(&both).unwrap_err().code, "settings", "an unset variable does not hide a wrong field");
    let mut unknown = house.stage.def("e");
    unknown.protocol = "telepathy".into();
    assert_eq!(house.app.book.save(unknown, &window()).await.unwrap_err().code, "unknown_protocol");
    assert_eq!(house.app.book.list().await.unwrap().len(), 1);
    let copy = house.app.book.duplicate(&"id-a".into(), &window()).await.unwrap();
    assert_eq!((copy.def.name.as_str(), copy.def.enabled), ("a 2", false));
}

#[tokio::test]
async fn a_definition_can_be_tried_without_being_kept() {
    let house = House::open().await;
    let report = house.app.book.test(house.stage.def("a"), &window()).await.unwrap();
    assert!(report.ok && report.tools.len() == 3, "{report:?}");
    *house.peer("a").on_connect.lock().unwrap() = Act::Fail(nobody_there());
    let report = house.app.book.test(house.stage.def("a"), &window()).await.unwrap();
    assert_eq!((report.ok, report.fault.unwrap().code.as_str()), (false, "unreachable"));
    assert!(house.app.book.list().await.unwrap().is_empty());
    assert_eq!(house.peer("a").closes(), 1);
}

#[tokio::test]
async fn two_processes_see_each_others_servers() {
    let house = House::open().await;
    let beside = house.again().await;
    let server = house.server("a").await;
    assert_eq!(beside.app.book.list().await.unwrap().len(), 1);
    beside.call(&server, "get-thing").await.unwrap();
    house.app.book.remove(&server, &window()).await.unwrap();
    assert!(beside.app.book.list().await.unwrap().is_empty());
    assert_eq!(beside.peer("a").closes(), 1);
}

#[tokio::test(start_paused = true)]
async fn quitting_with_calls_under_way_ends_within_ten_seconds_and_says_how_they_ended() {
    let house = House::open().await;
    let mut calls = Vec::new();
    for n in 0..5 {
        let name = format!("s{n}");
        let server = house.server(&name).await;
        house.peer(&name).when_called("get-thing", Act::Deaf);
        let house = house.clone();
        calls.push(tokio::spawn(async move { house.call(&server, "get-thing").await }));
    }
    for n in 0..5 {
        while house.peer(&format!("s{n}")).calls().is_empty() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
    let begun = Instant::now();
    house.app.shutdown().await;
    assert!(begun.elapsed() <= Duration::from_secs(10), "{:?}", begun.elapsed());
    for n in 0..5 {
        assert_eq!(house.peer(&format!("s{n}")).closes(), 1);
    }
    assert_eq!(house.audit.story().iter().filter(|word| *word == "cancelled").count(), 5);
    for call in calls {
        assert_eq!(call.await.unwrap().unwrap_err().kind, FaultKind::Cancelled);
    }
}

#[tokio::test]
async fn five_thousand_tools_are_searched_by_name_title_and_words() {
    let house = House::open().await;
    for n in 0..10 {
        let name = format!("s{n}");
        let tools = (0..500).map(|m| {
            let mut one = tool(&format!("get-{m}-of-{n}"));
            one.description = format!("Reads the {} number {m}", if m == 250 { "Kubernetes pods" } else { "thing" });
            one
        });
        house.peer(&name).offers(tools.collect());
        let server = house.server(&name).await;
        house.app.sessions.connect(&server, &window()).await.unwrap();
    }
    assert_eq!(house.app.tools.all().len(), 5_000);
    let found = house.app.tools.search("KUBERNETES pods", 100);
    assert_eq!(found.len(), 10);
    assert!(found.iter().all(|view| view.tool.name.as_str().starts_with("get-250-")));
    assert_eq!(house.app.tools.search("get-7-of-3", 5)[0].tool.name.as_str(), "get-7-of-3");
    assert!(house.app.tools.search("get nothing-like-it", 5).is_empty(), "every word must be found");
    assert_eq!(house.app.tools.search("", 20).len(), 20);
}

#[tokio::test]
async fn frames_are_there_for_who_looks_only_afterwards() {
    let house = House::open().await;
    let server = house.server("a").await;
    house.app.sessions.connect(&server, &window()).await.unwrap();
    house.clock.advance(6 * 60_000);
    assert!(house.peer("a").host().wants_frames(), "also long after connecting, with nobody looking");
    let frames = house.app.sessions.frames(&server).unwrap();
    assert_eq!(frames[0].text, "hello a");
}
