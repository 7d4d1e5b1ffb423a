//! The clauses.

use std::sync::Arc;
use std::time::Duration;

use domain::call_events::call_events;
use domain::fault::FaultKind;
use domain::protocol::{CallEvent, CallIo, Session};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::{Case, Order, PATIENCE, run, until};

async fn calm(case: &Case, session: &dyn Session, nth: usize) {
    let order = case.peer.calm(nth);
    match run(session, &order, CallIo::quiet()).await {
        Ok(result) => {
            assert!(!result.is_error, "{order:?} failed: {}", result.text());
            assert!(result.text().contains(&order.words), "{order:?} answered {}", result.text());
        }
        Err(fault) => panic!("{order:?}: {fault:?}"),
    }
}

/// Connects, says what was agreed on, and is well.
pub async fn connect(case: Case) {
    let session = case.session().await;
    let facts = session.facts();
    assert!(!facts.revision.is_empty(), "what was agreed on is a fact: {facts:?}");
    if let Err(fault) = session.health().await {
        panic!("a peer that answers is not well: {fault:?}");
    }
    session.close().await;
}

/// Lists the tools with their schemas, the same twice.
pub async fn discover(case: Case) {
    let session = case.session().await;
    let first = session.tools().await.unwrap_or_else(|fault| panic!("discovery: {fault:?}"));
    assert_eq!(first.rejected, [], "nothing is wrong with these tools");
    assert_eq!(first.partial, None, "the list is whole");
    for order in [case.peer.calm(0), case.peer.failing()] {
        let tool = first.tools.iter().find(|tool| tool.name.as_str() == order.tool);
        let tool =
            tool.unwrap_or_else(|| panic!("{} is not listed: {:?}", order.tool, first.tools.iter().map(|t| &t.name).collect::<Vec<_>>()));
        assert_eq!(tool.input_schema["type"], "object", "{tool:?} has a schema");
        assert!(!tool.description.is_empty(), "{tool:?} says what it is for");
    }
    let second = session.tools().await.unwrap_or_else(|fault| panic!("second discovery: {fault:?}"));
    let prints = |catalogue: &domain::tool::Catalogue| catalogue.tools.iter().map(domain::tool::Tool::fingerprint).collect::<Vec<_>>();
    assert_eq!(prints(&first), prints(&second), "a list that did not change has the same fingerprints");
    session.close().await;
}

/// Calls, and the answer is the tool's.
pub async fn call(case: Case) {
    let session = case.session().await;
    for nth in 0..3 {
        calm(&case, &*session, nth).await;
    }
    session.close().await;
}

/// Sixteen calls at once get each their own answer.
pub async fn concurrent_calls(case: Case) {
    let session = case.session().await;
    let calls = (0..16).map(|nth| {
        let (case, session) = (&case, &session);
        async move { calm(case, &**session, nth).await }
    });
    futures::future::join_all(calls).await;
    session.close().await;
}

/// A tool that fails is a result that says so, in the tool's words; the session stays.
pub async fn fails(case: Case) {
    let session = case.session().await;
    let order = case.peer.failing();
    match run(&*session, &order, CallIo::quiet()).await {
        Ok(result) => {
            assert!(result.is_error, "{order:?} is marked as failed");
            assert!(result.text().contains(&order.words), "in the tool's words: {}", result.text());
        }
        Err(fault) => panic!("a tool's own failure is a result, not a fault: {fault:?}"),
    }
    calm(&case, &*session, 1).await;
    session.close().await;
}

/// A tool that is not there is not run, and the session stays.
pub async fn unknown_tool(case: Case) {
    let session = case.session().await;
    let order = Order::new("no-such-tool", json!({}), "");
    match run(&*session, &order, CallIo::quiet()).await {
        Ok(result) => assert!(result.is_error, "a tool that is not there answered {result:?}"),
        Err(fault) => assert!(
            matches!(fault.kind(), FaultKind::NotFound | FaultKind::Protocol) && !fault.ends_session(),
            "the peer's refusal is what is reported: {fault:?}"
        ),
    }
    calm(&case, &*session, 1).await;
    session.close().await;
}

/// Starts a call that holds, and answers once the peer runs it.
async fn held(
    case: &Case,
    session: &Arc<dyn Session>,
) -> (CancellationToken, tokio::task::JoinHandle<Result<domain::tool::ToolResult, domain::fault::ServerFault>>) {
    let cancel = CancellationToken::new();
    let io = CallIo { cancel: cancel.clone(), events: None };
    let order = case.peer.holding();
    let running = {
        let session = Arc::clone(session);
        tokio::spawn(async move { run(&*session, &order, io).await })
    };
    until("the peer runs the call", async || case.peer.tally(&**session).await.running > 0).await;
    (cancel, running)
}

/// Cancel ends the call at once, reaches the peer where the wire can say it, and a late answer disturbs nobody.
pub async fn cancel(case: Case) {
    let session = case.session().await;
    let (cancel, running) = held(&case, &session).await;
    let before = case.peer.tally(&*session).await;
    cancel.cancel();
    match running.await.unwrap() {
        Err(domain::fault::ServerFault::Cancelled) => {}
        other => panic!("a cancelled call says that it was cancelled: {other:?}"),
    }
    if let Some(cancelled) = before.cancelled {
        until("the peer was told", async || case.peer.tally(&*session).await.cancelled == Some(cancelled + 1)).await;
        assert_eq!(case.peer.tally(&*session).await.running, 0, "nothing runs on at the peer");
    }
    case.peer.release(&*session).await;
    until("nothing runs at the peer", async || case.peer.tally(&*session).await.running == 0).await;
    for nth in 0..3 {
        calm(&case, &*session, nth).await;
    }
    session.close().await;
}

/// Progress arrives in order and before the result.
pub async fn progress(case: Case) {
    let Some(order) = case.peer.telling() else {
        // The wire has none: then none may be made up.
        let session = case.session().await;
        let (send, mut events) = call_events(64);
        let order = case.peer.calm(0);
        run(&*session, &order, CallIo { cancel: CancellationToken::new(), events: Some(send) }).await.unwrap();
        while let Some(event) = events.recv().await {
            // That the call has begun may be told; a number may not be invented.
            assert!(!matches!(event, CallEvent::Progress { progress, .. } if progress > 0.0), "no progress is made up: {event:?}");
        }
        session.close().await;
        return;
    };
    let session = case.session().await;
    let (send, mut events) = call_events(64);
    let result = run(&*session, &order, CallIo { cancel: CancellationToken::new(), events: Some(send) }).await;
    let result = result.unwrap_or_else(|fault| panic!("{order:?}: {fault:?}"));
    assert!(result.text().contains(&order.words), "{}", result.text());
    let mut told = Vec::new();
    while let Some(event) = events.try_recv() {
        match event {
            CallEvent::Progress { progress, .. } => told.push(progress),
            CallEvent::Chunk { .. } => told.push(told.len() as f64 + 1.0),
            CallEvent::Log { .. } => {}
        }
    }
    assert!(told.len() >= 3, "each step is told: {told:?}");
    assert!(told.windows(2).all(|pair| pair[0] < pair[1]), "in order: {told:?}");
    session.close().await;
}

/// After the server has crashed and come back, calls work again: on the same session where it can, on a new one else. A call that was
/// running ends with a fault, and is not run a second time behind the caller's back.
pub async fn reconnect(case: Case) {
    let session = case.session().await;
    calm(&case, &*session, 0).await;
    case.peer.restart(&*session).await;
    let order = case.peer.calm(1);
    let mut alive = true;
    let back = async {
        loop {
            match run(&*session, &order, CallIo::quiet()).await {
                Ok(result) => {
                    assert!(result.text().contains(&order.words), "{}", result.text());
                    return;
                }
                Err(fault) => {
                    assert_eq!(fault.kind(), FaultKind::Unreachable, "a crash is reported as one: {fault:?}");
                    if fault.ends_session() {
                        // The supervisor may connect anew, or the session finds its own way back; give it both ways.
                        alive = false;
                        let session = case.session().await;
                        calm(&case, &*session, 2).await;
                        session.close().await;
                        return;
                    }
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            }
        }
    };
    assert!(tokio::time::timeout(PATIENCE, back).await.is_ok(), "it never came back");
    let _ = alive;
    session.close().await;
}

/// A text of two million bytes arrives whole.
pub async fn big_result(case: Case) {
    let session = case.session().await;
    let bytes = 2_000_000;
    let order = case.peer.big(bytes);
    match run(&*session, &order, CallIo::quiet()).await {
        Ok(result) => assert!(result.weight() >= bytes, "it arrived whole: {} bytes", result.weight()),
        Err(fault) => panic!("{order:?}: {fault:?}"),
    }
    calm(&case, &*session, 1).await;
    session.close().await;
}

/// Closing, even with a call running, leaves no task, no connection and no process; twice is the same as once.
pub async fn close_leaves_nothing(case: Case) {
    let session = case.session().await;
    calm(&case, &*session, 0).await;
    let pid = session.facts().pid;
    let (_cancel, running) = held(&case, &session).await;
    assert!(tokio::time::timeout(PATIENCE, session.close()).await.is_ok(), "close hangs");
    let ended = running.await.unwrap();
    assert!(ended.is_err(), "a call whose session was closed has no result: {ended:?}");
    session.close().await;
    let after = run(&*session, &case.peer.calm(1), CallIo::quiet()).await;
    assert!(after.is_err(), "a closed session answers nothing: {after:?}");
    drop(session);
    nothing_is_left(&case).await;
    if let Some(pid) = pid {
        until("the process is gone", async || !std::path::Path::new(&format!("/proc/{pid}")).exists()).await;
    }
}

/// A connect that is given up leaves no task and no connection.
pub async fn giving_up_a_connect_leaves_nothing(case: Case) {
    let Some((settings, silent)) = case.peer.silent().await else {
        // There is nothing to wait for; then connecting is done at once.
        case.session().await.close().await;
        return;
    };
    let protocol = Arc::clone(&case.protocol);
    let cx = case.stage.cx("silent");
    let connecting = tokio::spawn(async move { protocol.connect(cx, settings).await.map(|_| ()) });
    until("the peer is connected to", async || silent.web.open() > 0 || connecting.is_finished()).await;
    assert!(!connecting.is_finished(), "it waits for a word: {:?}", connecting.await);
    connecting.abort();
    let _ = connecting.await;
    until("the silent peer is let go", async || silent.web.open() == 0).await;
    nothing_is_left(&case).await;
}

async fn nothing_is_left(case: &Case) {
    case.stage.tasks.close();
    assert!(
        tokio::time::timeout(PATIENCE, case.stage.tasks.wait()).await.is_ok(),
        "{} tasks of the session are still there",
        case.stage.tasks.len()
    );
    if case.peer.open().is_some() {
        until("no connection is open", async || case.peer.open() == Some(0)).await;
    }
}
