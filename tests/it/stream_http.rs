//! Streamable HTTP against servers that keep to it, nearly keep to it, and do something else; and the sign-in.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, Method};
use axum::response::Response;
use base64::Engine as _;
use bytes::Bytes;
use domain::call_events::call_events;
use domain::fault::ServerFault;
use domain::person::{Answer, Question, Scope};
use domain::protocol::{CallEvent, CallIo, CallReq, ConnectCx, Frame, Host, Protocol, Session, SessionEvent};
use domain::secret::Secret;
use domain::tool::ToolResult;
use domain::{Json, JsonMap};
use serde_json::json;
use testkit::stage::{Stage, StageHost, ticket};
use testkit::web::Web;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::mpsc;

/// A request as the server sees it.
#[derive(Clone)]
struct Asked {
    method: Method,
    target: String,
    headers: HeaderMap,
    body: Json,
}

impl Asked {
    fn rpc(&self) -> &str {
        self.body["method"].as_str().unwrap_or_default()
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

type Behaviour = Arc<dyn Fn(&Asked) -> Option<Response> + Send + Sync>;

/// The status of an answer that does not come.
const NEVER: u16 = 599;

/// A server that behaves, except where it is told not to.
#[derive(Clone)]
struct Fake {
    web: Arc<Web>,
    seen: Arc<Mutex<Vec<Asked>>>,
}

impl Fake {
    async fn new(odd: impl Fn(&Asked) -> Option<Response> + Send + Sync + 'static) -> Self {
        let odd: Behaviour = Arc::new(odd);
        let seen: Arc<Mutex<Vec<Asked>>> = Arc::default();
        let keep = seen.clone();
        let app = Router::new().fallback(move |request: Request| {
            let (odd, keep) = (odd.clone(), keep.clone());
            async move {
                let (parts, body) = request.into_parts();
                let body = axum::body::to_bytes(body, 64 * 1024 * 1024).await.unwrap();
                let body = serde_json::from_slice(&body).unwrap_or_else(|_| String::from_utf8_lossy(&body).into_owned().into());
                let target = parts.uri.path_and_query().map(ToString::to_string).unwrap_or_default();
                let asked = Asked { method: parts.method, target, headers: parts.headers, body };
                keep.lock().unwrap().push(asked.clone());
                let answer = odd(&asked).unwrap_or_else(|| behave(&asked));
                if answer.status() == NEVER {
                    std::future::pending::<()>().await;
                }
                answer
            }
        });
        Self { web: Arc::new(Web::start(app).await), seen }
    }

    fn url(&self) -> String {
        self.web.url("/mcp")
    }

    fn asked(&self, wanted: impl Fn(&Asked) -> bool) -> Vec<Asked> {
        self.seen.lock().unwrap().iter().filter(|asked| wanted(asked)).cloned().collect()
    }

    fn settings(&self) -> Json {
        json!({ "url": self.url(), "proxy": "none" })
    }

    async fn open(&self, stage: &Stage) -> Result<Arc<dyn Session>, ServerFault> {
        open(stage, self.settings()).await
    }
}

fn protocol() -> Arc<dyn Protocol> {
    protocols::registry(Arc::new(testkit::echo::EchoLocal::default()))
        .into_iter()
        .find(|protocol| protocol.info().id.as_str() == "stream_http")
        .unwrap()
}

async fn open(stage: &Stage, settings: Json) -> Result<Arc<dyn Session>, ServerFault> {
    let cx = ConnectCx { host: Arc::new(Browsing(stage.host.clone())), ..stage.cx("fake") };
    protocol().connect(cx, settings.as_object().unwrap().clone()).await
}

/// A host whose browser follows where it is sent, as one does on loopback.
#[derive(Debug)]
struct Browsing(Arc<StageHost>);

#[async_trait]
impl Host for Browsing {
    fn event(&self, event: SessionEvent) {
        self.0.event(event);
    }
    fn frame(&self, frame: Frame) {
        self.0.frame(frame);
    }
    fn wants_frames(&self) -> bool {
        self.0.wants_frames()
    }
    async fn ask(&self, question: Question) -> Answer {
        self.0.ask(question).await
    }
    fn roots(&self) -> Vec<(String, String)> {
        self.0.roots()
    }
    async fn recall(&self, key: &str) -> Option<Json> {
        self.0.recall(key).await
    }
    async fn keep(&self, key: &str, value: Json) {
        self.0.keep(key, value).await;
    }
    async fn recall_secret(&self, key: &str) -> Option<Secret> {
        self.0.recall_secret(key).await
    }
    async fn keep_secret(&self, key: &str, value: Secret) {
        self.0.keep_secret(key, value).await;
    }
    async fn open_page(&self, url: &url::Url) -> Result<(), ServerFault> {
        self.0.opened.lock().unwrap().push(url.clone());
        let mut next = Some(url.clone());
        while let Some(url) = next.take() {
            let mut stream = tokio::net::TcpStream::connect((url.host_str().unwrap(), url.port().unwrap())).await.unwrap();
            let target = &url[url::Position::BeforePath..url::Position::AfterQuery];
            let host = &url[url::Position::BeforeHost..url::Position::AfterPort];
            stream.write_all(format!("GET {target} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n").as_bytes()).await.unwrap();
            let mut page = String::new();
            stream.read_to_string(&mut page).await.unwrap();
            next = page.lines().find_map(|line| line.strip_prefix("location: ")).map(|to| url.join(to.trim()).unwrap());
        }
        Ok(())
    }
}

fn answer(status: u16, kind: &str, body: impl Into<Body>) -> Response {
    Response::builder().status(status).header("content-type", kind).body(body.into()).unwrap()
}

fn plain(status: u16) -> Response {
    Response::builder().status(status).body(Body::empty()).unwrap()
}

fn reply(asked: &Asked, result: &Json) -> Response {
    answer(200, "application/json", json!({ "jsonrpc": "2.0", "id": asked.body["id"], "result": result }).to_string())
}

fn events(pieces: Vec<String>) -> Response {
    answer(200, "text/event-stream", pieces.concat())
}

fn event(message: &Json) -> String {
    format!("data: {message}\n\n")
}

fn text(words: &str) -> Json {
    json!({ "content": [{ "type": "text", "text": words }] })
}

fn behave(asked: &Asked) -> Response {
    match (&asked.method, asked.rpc()) {
        (&Method::GET, _) => plain(405),
        (&Method::DELETE, _) => plain(200),
        (_, "initialize") => {
            let mut response = reply(
                asked,
                &json!({ "protocolVersion": "2025-11-25", "capabilities": { "tools": {} }, "serverInfo": { "name": "fake", "version": "1" } }),
            );
            response.headers_mut().insert("mcp-session-id", "s1".parse().unwrap());
            response
        }
        (_, "tools/list") => reply(asked, &json!({ "tools": [{ "name": "t", "inputSchema": { "type": "object" } }] })),
        (_, "tools/call") => reply(asked, &text("ok")),
        (_, "ping") => reply(asked, &json!({})),
        _ if asked.body.get("id").is_none() || asked.body.get("method").is_none() => plain(202),
        _ => answer(
            400,
            "application/json",
            json!({ "jsonrpc": "2.0", "id": asked.body["id"], "error": { "code": -32601, "message": "no" } }).to_string(),
        ),
    }
}

fn modern(asked: &Asked, capabilities: &Json) -> Option<Response> {
    (asked.rpc() == "server/discover").then(|| {
        reply(asked, &json!({ "resultType": "complete", "supportedVersions": ["2026-07-28"], "capabilities": capabilities, "ttlMs": 0, "cacheScope": "private" }))
    })
}

async fn call_with(session: &dyn Session, args: Json, io: CallIo) -> Result<ToolResult, ServerFault> {
    session.call(&ticket("t").await, CallReq { tool: "t".into(), args: args.as_object().unwrap().clone() }, io).await
}

async fn call(session: &dyn Session) -> Result<ToolResult, ServerFault> {
    call_with(session, json!({}), CallIo::quiet()).await
}

async fn let_go(stage: &Stage, session: Arc<dyn Session>) {
    session.close().await;
    drop(session);
    stage.tasks.close();
    tokio::time::timeout(testkit::contract::PATIENCE, stage.tasks.wait()).await.expect("no task is left behind");
}

async fn until(what: &str, done: impl Fn() -> bool) {
    for _ in 0..2000 {
        if done() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("never came: {what}");
}

#[tokio::test]
async fn a_session_is_opened_named_in_every_request_and_ended() {
    // Traps 6 and 7; C-37.
    let fake = Fake::new(|asked| {
        let mut response = behave(asked);
        response.headers_mut().insert("set-cookie", "track=me".parse().unwrap());
        Some(response)
    })
    .await;
    let stage = Stage::new(&[]);
    let session = fake.open(&stage).await.unwrap();
    assert_eq!((session.facts().era.as_str(), session.facts().name.as_str()), ("legacy", "fake"));
    assert_eq!(session.tools().await.unwrap().tools.len(), 1);
    let before = fake.web.accepted();
    for _ in 0..20 {
        assert_eq!(call(&*session).await.unwrap().text(), "ok");
    }
    assert!(fake.web.accepted() <= before + 1, "connections are kept: {} new ones for 20 calls", fake.web.accepted() - before);
    session.health().await.unwrap();
    let_go(&stage, session).await;
    let initialize = fake.asked(|asked| asked.rpc() == "initialize");
    assert_eq!(initialize.len(), 1);
    assert_eq!(initialize[0].body["params"]["protocolVersion"], "2025-11-25");
    assert!(initialize[0].header("mcp-session-id").is_none());
    for asked in fake.asked(|asked| asked.rpc() == "tools/call") {
        assert_eq!((asked.header("mcp-session-id"), asked.header("mcp-protocol-version")), (Some("s1"), Some("2025-11-25")));
        assert!(asked.header("accept").unwrap().contains("text/event-stream"));
    }
    assert_eq!(fake.asked(|asked| asked.method == Method::DELETE && asked.header("mcp-session-id") == Some("s1")).len(), 1);
    assert!(fake.asked(|asked| asked.headers.contains_key("cookie")).is_empty(), "there is no cookie jar");
}

#[tokio::test]
async fn a_server_that_forgot_the_session_is_given_a_new_one_whatever_it_says_about_it() {
    // Trap 1: 404 as the specification has it, and 400 without an id as server-everything does it.
    for lost in [404, 400] {
        let forgot = Arc::new(AtomicUsize::new(0));
        let count = forgot.clone();
        let fake = Fake::new(move |asked| {
            let first = asked.rpc() == "tools/call" && count.fetch_add(1, Ordering::SeqCst) == 0;
            first.then(|| match lost {
                404 => plain(404),
                _ => answer(
                    400,
                    "application/json",
                    r#"{"jsonrpc":"2.0","error":{"code":-32000,"message":"Bad Request: No valid session ID provided"},"id":null}"#,
                ),
            })
        })
        .await;
        let stage = Stage::new(&[]);
        let session = fake.open(&stage).await.unwrap();
        assert_eq!(call(&*session).await.unwrap().text(), "ok", "{lost}");
        assert_eq!(fake.asked(|asked| asked.rpc() == "initialize").len(), 2, "{lost}");
        assert_eq!(fake.asked(|asked| asked.rpc() == "tools/call").len(), 2, "{lost}: once refused, once carried out");
        let_go(&stage, session).await;
    }
}

#[tokio::test]
async fn an_answer_that_is_none_is_a_fault_that_says_what_it_was() {
    // C-31; traps 1, 10 and 12.
    type Fits = fn(&ServerFault) -> bool;
    let violation: Fits = |fault| matches!(fault, ServerFault::ProtocolViolation { .. });
    let cases: Vec<(&str, Box<dyn Fn(&Asked) -> Response + Send + Sync>, Fits)> = vec![
        ("html", Box::new(|_| answer(200, "text/html", "<html>Please log in")), |fault| fault.to_string().contains("Please log in")),
        ("empty", Box::new(|_| answer(200, "application/json", "")), violation),
        ("no content", Box::new(|_| plain(204)), violation),
        ("accepted", Box::new(|_| plain(202)), violation),
        ("a part", Box::new(|_| answer(206, "application/json", "{}")), violation),
        ("another id", Box::new(|_| answer(200, "application/json", r#"{"jsonrpc":"2.0","id":77777,"result":{}}"#)), violation),
        (
            "half",
            Box::new(|asked| answer(200, "application/json", format!("{{\"jsonrpc\":\"2.0\",\"id\":{},\"result\":{{", asked.body["id"]))),
            |fault| matches!(fault, ServerFault::InvalidJson { .. }),
        ),
        ("no events", Box::new(|_| events(vec![])), |fault| matches!(fault, ServerFault::ConnectionLost { lost_result: true, .. })),
        ("only comments", Box::new(|_| events(vec![": still here\n\n".repeat(50)])), |fault| {
            matches!(fault, ServerFault::ConnectionLost { .. })
        }),
        ("error", Box::new(|_| answer(500, "text/plain", "boom")), |fault| {
            *fault == ServerFault::HttpStatus { status: 500, body: "boom".into() }
        }),
        (
            "slower",
            Box::new(|_| {
                let mut slow = plain(429);
                slow.headers_mut().insert("retry-after", "1000000000".parse().unwrap());
                slow
            }),
            |fault| *fault == ServerFault::RateLimited { retry_after: Duration::from_secs(300) },
        ),
        (
            "an error of its own",
            Box::new(|asked| {
                answer(
                    400,
                    "application/json",
                    json!({ "jsonrpc": "2.0", "id": asked.body["id"], "error": { "code": -32602, "message": "bad x" } }).to_string(),
                )
            }),
            |fault| matches!(fault, ServerFault::Rpc { code: -32602, .. }),
        ),
        (
            "elsewhere",
            Box::new(|_| {
                let mut away = plain(307);
                away.headers_mut().insert("location", "http://127.0.0.2:9/mcp".parse().unwrap());
                away
            }),
            |fault| matches!(fault, ServerFault::RedirectRefused { .. }),
        ),
    ];
    for (name, odd, fits) in cases {
        let fake =
            Fake::new(move |asked| (asked.rpc() == "tools/call" && asked.body["params"]["arguments"]["odd"] == true).then(|| odd(asked)))
                .await;
        let stage = Stage::new(&[]);
        let session = fake.open(&stage).await.unwrap();
        let fault = call_with(&*session, json!({ "odd": true }), CallIo::quiet()).await.unwrap_err();
        assert!(fits(&fault), "{name}: {fault:?}");
        assert_eq!(call(&*session).await.unwrap().text(), "ok", "the next call after: {name}");
        let_go(&stage, session).await;
    }
}

#[tokio::test]
async fn what_comes_before_a_reply_is_passed_on_and_the_connection_is_kept() {
    let fake = Fake::new(|asked| {
        (asked.rpc() == "tools/call").then(|| {
            let token = &asked.body["params"]["_meta"]["progressToken"];
            events(vec![
                "id: 1\ndata:\n\n".into(),
                event(
                    &json!({ "jsonrpc": "2.0", "method": "notifications/progress", "params": { "progressToken": token, "progress": 1 } }),
                ),
                event(&json!({ "jsonrpc": "2.0", "method": "notifications/message", "params": { "level": "info", "data": "half way" } })),
                "event: message\r\n".into(),
                event(&json!({ "jsonrpc": "2.0", "id": asked.body["id"], "result": text("streamed") })),
            ])
        })
    })
    .await;
    let stage = Stage::new(&[]);
    let session = fake.open(&stage).await.unwrap();
    let (to, mut seen) = call_events(8);
    let result = call_with(&*session, json!({}), CallIo { events: Some(to), ..CallIo::quiet() }).await.unwrap();
    assert_eq!(result.text(), "streamed");
    assert!(matches!(seen.recv().await, Some(CallEvent::Progress { .. })));
    assert!(matches!(seen.recv().await, Some(CallEvent::Log { .. })));
    assert!(stage.host.saw(|event| matches!(event, SessionEvent::Log { .. })));
    let_go(&stage, session).await;
}

#[tokio::test]
async fn a_broken_stream_is_taken_up_where_it_ended() {
    let called = Mutex::new(Json::Null);
    let fake = Fake::new(move |asked| match (asked.rpc(), asked.header("last-event-id")) {
        ("tools/call", _) => {
            *called.lock().unwrap() = asked.body["id"].clone();
            Some(events(vec!["id: e7\nretry: 1\ndata:\n\n".into()]))
        }
        (_, Some("e7")) => {
            let id = called.lock().unwrap().clone();
            Some(events(vec![event(&json!({ "jsonrpc": "2.0", "id": id, "result": text("resumed") }))]))
        }
        _ => None,
    })
    .await;
    let stage = Stage::new(&[]);
    let session = fake.open(&stage).await.unwrap();
    let begun = tokio::time::Instant::now();
    assert_eq!(call(&*session).await.unwrap().text(), "resumed");
    assert!(begun.elapsed() >= Duration::from_millis(500), "a retry of 1 ms counts as half a second");
    let resumed = fake.asked(|asked| asked.header("last-event-id").is_some());
    assert_eq!((resumed.len(), resumed[0].header("mcp-session-id")), (1, Some("s1")));
    let_go(&stage, session).await;
}

#[tokio::test]
async fn a_server_speaks_unasked_on_the_standing_stream_and_its_questions_are_answered() {
    let (send, receive) = mpsc::unbounded_channel::<Result<Bytes, std::io::Error>>();
    let stream = Mutex::new(Some(receive));
    let fake = Fake::new(move |asked| {
        (asked.method == Method::GET).then(|| match stream.lock().unwrap().take() {
            Some(mut receive) => {
                answer(200, "text/event-stream", Body::from_stream(futures::stream::poll_fn(move |cx| receive.poll_recv(cx))))
            }
            None => plain(405),
        })
    })
    .await;
    let stage = Stage::new(&[]);
    stage.host.share("file:///w", "w");
    let session = fake.open(&stage).await.unwrap();
    let say = |message: Json| send.send(Ok(event(&message).into())).unwrap();
    say(json!({ "jsonrpc": "2.0", "method": "notifications/tools/list_changed" }));
    until("the change", || stage.host.saw(|event| *event == SessionEvent::ToolsChanged)).await;
    say(json!({ "jsonrpc": "2.0", "id": 5, "method": "roots/list" }));
    until("the roots", || !fake.asked(|asked| asked.body["result"]["roots"][0]["uri"] == "file:///w" && asked.body["id"] == 5).is_empty())
        .await;
    let_go(&stage, session).await;
}

#[tokio::test]
async fn the_standing_stream_is_asked_for_before_anything_else_is() {
    let fake = Fake::new(|_| None).await;
    let stage = Stage::new(&[]);
    let session = fake.open(&stage).await.unwrap();
    assert_eq!(fake.asked(|asked| asked.method == Method::GET).len(), 1);
    let_go(&stage, session).await;
    // Who never answers it is used all the same.
    let fake = Fake::new(|asked| (asked.method == Method::GET).then(|| plain(NEVER))).await;
    let stage = Stage::new(&[]);
    let session = fake.open(&stage).await.unwrap();
    assert!(!session.tools().await.unwrap().tools.is_empty());
    let_go(&stage, session).await;
}

#[tokio::test]
async fn modern_requests_carry_their_headers_and_no_argument_breaks_out_of_one() {
    // C-34.
    let fake = Fake::new(|asked| {
        modern(asked, &json!({ "tools": {} })).or_else(|| match asked.rpc() {
            "tools/list" => Some(reply(asked, &json!({ "resultType": "complete", "tools": [
                { "name": "t", "inputSchema": { "type": "object", "properties": { "region": { "type": "string", "x-mcp-header": "Region" } } } },
                { "name": "bad", "inputSchema": { "type": "object", "properties": { "region": { "type": "string", "x-mcp-header": "a b" } } } }
            ] }))),
            _ => None,
        })
    })
    .await;
    let stage = Stage::new(&[]);
    let session = fake.open(&stage).await.unwrap();
    assert_eq!(session.facts().era, "modern");
    let tools = session.tools().await.unwrap();
    assert_eq!((tools.tools.len(), tools.rejected.len(), tools.rejected[0].name.as_str()), (1, 1, "bad"));
    call_with(&*session, json!({ "region": "eu\r\nX-Evil: 1" }), CallIo::quiet()).await.unwrap();
    let_go(&stage, session).await;
    let asked = fake.asked(|asked| asked.rpc() == "tools/call").remove(0);
    assert_eq!(asked.header("mcp-protocol-version"), Some("2026-07-28"));
    assert_eq!((asked.header("mcp-method"), asked.header("mcp-name")), (Some("tools/call"), Some("t")));
    let encoded = base64::prelude::BASE64_STANDARD.encode("eu\r\nX-Evil: 1");
    assert_eq!(asked.header("mcp-param-region"), Some(format!("=?base64?{encoded}?=").as_str()));
    assert!(asked.header("x-evil").is_none() && asked.header("mcp-session-id").is_none());
    assert!(
        fake.asked(|asked| asked.rpc() == "initialize" || asked.method == Method::DELETE).is_empty(),
        "there is no session in this era"
    );
}

#[tokio::test]
async fn a_server_that_lists_only_old_revisions_is_initialized() {
    // Trap 2, as kubernetes-mcp-server does it; and servers that refuse the question in their own ways.
    for status in [200, 400, 404, 405, 500] {
        let fake = Fake::new(move |asked| {
            (asked.rpc() == "server/discover").then(|| match status {
                200 => reply(asked, &json!({ "supportedVersions": ["2025-06-18"], "capabilities": {} })),
                status => answer(status, "text/plain", "what?"),
            })
        })
        .await;
        let stage = Stage::new(&[]);
        let session = fake.open(&stage).await.unwrap_or_else(|fault| panic!("{status}: {fault}"));
        assert_eq!(session.facts().era, "legacy", "{status}");
        let_go(&stage, session).await;
    }
}

#[tokio::test]
async fn redirects_stay_at_home_and_bring_the_message_along() {
    // C-40, C-41.
    let fake = Fake::new(|asked| {
        (asked.target == "/mcp").then(|| {
            let mut moved = plain(307);
            moved.headers_mut().insert("location", "/real".parse().unwrap());
            moved
        })
    })
    .await;
    let stage = Stage::new(&[]);
    let session = fake.open(&stage).await.unwrap();
    assert_eq!(call(&*session).await.unwrap().text(), "ok");
    assert_eq!(fake.asked(|asked| asked.target == "/real" && asked.rpc() == "tools/call").len(), 1, "sent once");
    let_go(&stage, session).await;
    for to in ["http://127.0.0.2:1/mcp", "https://evil.example/", "file:///etc/passwd", "//evil.example/x"] {
        let fake = Fake::new(move |_| {
            let mut moved = plain(302);
            moved.headers_mut().insert("location", to.parse().unwrap());
            Some(moved)
        })
        .await;
        let fault = fake.open(&Stage::new(&[])).await.unwrap_err();
        assert!(matches!(fault, ServerFault::RedirectRefused { .. }), "{to}: {fault:?}");
    }
}

#[tokio::test]
async fn a_server_without_mcp_is_spoken_to_in_the_predecessors_dialect() {
    let fake = Fake::new(|asked| {
        let call = |body: &Json| body["arguments"].clone();
        Some(match (&asked.method, asked.target.as_str()) {
            (&Method::GET, "/tools") => answer(
                200,
                "application/json",
                json!([{ "name": "k8s pods", "input_schema": { "type": "object" } }, { "name": "t" }]).to_string(),
            ),
            (&Method::POST, "/tools/t/call") if call(&asked.body)["stream"] == true => events(vec![
                "event: chunk\ndata: one \n\n".into(),
                "event: chunk\ndata: {\"text\":\"two\"}\n\n".into(),
                format!("event: tool_complete\ndata: {}\n\n", json!({ "success": true, "result": text("one two") })),
                "event: chunk\ndata: never\n\n".into(),
            ]),
            (&Method::POST, "/tools/t/call") => answer(
                200,
                "application/json",
                json!({ "result": { "content": [{ "type": "text", "text": "whole" }], "is_error": true } }).to_string(),
            ),
            _ => plain(404),
        })
    })
    .await;
    let stage = Stage::new(&[]);
    let settings = json!({ "host": "127.0.0.1", "port": fake.web.port(), "path": "/stream", "auth_token": "secret", "proxy": "none" });
    let session = open(&stage, settings).await.unwrap();
    assert_eq!((session.facts().revision.as_str(), session.tools().await.unwrap().tools.len()), ("rest", 2));
    let result = call(&*session).await.unwrap();
    assert_eq!((result.text().as_str(), result.is_error), ("whole", true));
    let (to, mut seen) = call_events(8);
    let io = CallIo { events: Some(to), ..CallIo::quiet() };
    assert_eq!(call_with(&*session, json!({ "stream": true }), io).await.unwrap().text(), "one two");
    assert_eq!(seen.recv().await, Some(CallEvent::Chunk { data: "one ".into() }));
    assert_eq!(seen.recv().await, Some(CallEvent::Chunk { data: json!({ "text": "two" }) }));
    assert!(fake.asked(|asked| asked.header("authorization") != Some("Bearer secret")).is_empty(), "credentials go with every request");
    let_go(&stage, session).await;
    let fault = Fake::new(|_| Some(plain(404))).await.open(&Stage::new(&[])).await.unwrap_err();
    assert!(matches!(fault, ServerFault::HttpStatus { status: 404, .. }), "{fault:?}");
}

#[tokio::test]
async fn credentials_of_the_settings_are_sent_once_and_not_argued_about() {
    // C-36.
    for status in [401, 403] {
        let fake = Fake::new(move |_| {
            let mut no = plain(status);
            no.headers_mut().insert("www-authenticate", format!("Bearer realm=\"{}\"", "x".repeat(20_000)).parse().unwrap());
            Some(no)
        })
        .await;
        let mut settings = fake.settings();
        settings["auth_token"] = "wrong".into();
        let fault = open(&Stage::new(&[]), settings).await.unwrap_err();
        assert!(matches!(fault, ServerFault::AuthFailed { .. }), "{status}: {fault:?}");
        assert_eq!(fake.seen.lock().unwrap().len(), 1, "{status}");
    }
}

/// An authorization server and an MCP server in one, which behave except where they are told not to.
struct Signing {
    fake: Fake,
    /// Tokens by value: whether they are good, and their scopes.
    tokens: Arc<Mutex<HashMap<String, bool>>>,
}

fn query(text: &str) -> HashMap<String, String> {
    url::form_urlencoded::parse(text.as_bytes()).into_owned().collect()
}

impl Signing {
    async fn new(odd: impl Fn(&Asked) -> Option<Response> + Send + Sync + 'static) -> Self {
        let tokens: Arc<Mutex<HashMap<String, bool>>> = Arc::default();
        let known = tokens.clone();
        let issued = AtomicUsize::new(0);
        let fake = Fake::new(move |asked| {
            if let Some(response) = odd(asked) {
                return Some(response);
            }
            let host = asked.header("host").unwrap_or_default();
            let base = format!("http://{host}");
            let (path, _) = asked.target.split_once('?').unwrap_or((&asked.target, ""));
            Some(match path {
                "/.well-known/oauth-protected-resource/mcp" => {
                    let document = json!({ "resource": format!("{base}/mcp"), "authorization_servers": [base], "scopes_supported": ["read"] });
                    answer(200, "application/json", document.to_string())
                }
                "/.well-known/oauth-authorization-server" => answer(200, "application/json", metadata(&base).to_string()),
                "/register" => {
                    let redirect = asked.body["redirect_uris"].clone();
                    answer(201, "application/json", json!({ "client_id": "dyn", "redirect_uris": redirect }).to_string())
                }
                "/authorize" => {
                    let asked = query(asked.target.split_once('?').unwrap().1);
                    assert_eq!((asked["code_challenge_method"].as_str(), asked["resource"].ends_with("/mcp")), ("S256", true));
                    let mut response = plain(302);
                    let back = format!("{}?code=c1&state={}&iss={}", asked["redirect_uri"], asked["state"], urlencoded(&base));
                    response.headers_mut().insert("location", back.parse().unwrap());
                    response
                }
                "/token" => {
                    let form = query(asked.body.as_str().unwrap());
                    let fine = match form["grant_type"].as_str() {
                        "authorization_code" => form["code"] == "c1" && form["code_verifier"].len() >= 43,
                        "refresh_token" => form["refresh_token"] == "r1",
                        _ => asked.header("authorization").is_some() || form.contains_key("client_secret"),
                    };
                    if !fine {
                        return Some(answer(400, "application/json", r#"{"error":"invalid_grant"}"#));
                    }
                    let token = format!("t{}", issued.fetch_add(1, Ordering::SeqCst) + 1);
                    known.lock().unwrap().insert(token.clone(), true);
                    answer(200, "application/json", json!({ "access_token": token, "token_type": "Bearer", "expires_in": 3600, "refresh_token": "r1", "scope": form.get("scope").cloned().unwrap_or_else(|| "read".into()) }).to_string())
                }
                "/mcp" => {
                    let token = asked.header("authorization").and_then(|value| value.strip_prefix("Bearer "));
                    if token.is_some_and(|token| known.lock().unwrap().get(token) == Some(&true)) {
                        return None;
                    }
                    let mut response = plain(401);
                    let challenge = format!("Bearer resource_metadata=\"{base}/.well-known/oauth-protected-resource/mcp\"");
                    response.headers_mut().insert("www-authenticate", challenge.parse().unwrap());
                    response
                }
                _ => plain(404),
            })
        })
        .await;
        Self { fake, tokens }
    }
}

fn metadata(base: &str) -> Json {
    json!({
        "issuer": base, "authorization_endpoint": format!("{base}/authorize"), "token_endpoint": format!("{base}/token"),
        "registration_endpoint": format!("{base}/register"), "response_types_supported": ["code"], "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": true
    })
}

fn urlencoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

/// A person who signs in at once.
fn signs_in(stage: &Stage) {
    stage.host.answer_with(|_| Answer::Yes { scope: Scope::Once });
}

#[tokio::test]
async fn a_person_signs_in_once_and_the_token_is_kept_and_refreshed() {
    let signing = Signing::new(|_| None).await;
    let stage = Stage::new(&[]);
    signs_in(&stage);
    let session = signing.fake.open(&stage).await.unwrap();
    assert_eq!(call(&*session).await.unwrap().text(), "ok");
    assert_eq!(stage.host.opened.lock().unwrap().len(), 1);
    let registered = signing.fake.asked(|asked| asked.target == "/register");
    assert_eq!(registered.len(), 1);
    assert!(registered[0].body["redirect_uris"][0].as_str().unwrap().starts_with("http://127.0.0.1:"));
    // The server forgets the token: it is refreshed without the person.
    signing.tokens.lock().unwrap().insert("t1".into(), false);
    assert_eq!(call(&*session).await.unwrap().text(), "ok");
    assert_eq!(stage.host.opened.lock().unwrap().len(), 1, "nobody was asked again");
    let refreshes = signing.fake.asked(|asked| asked.target == "/token" && asked.body.as_str().unwrap().contains("refresh_token"));
    assert!(refreshes.iter().any(|asked| query(asked.body.as_str().unwrap())["resource"].ends_with("/mcp")), "for this server only");
    let_go(&stage, session).await;
    // A second run finds the token where the first one left it.
    let again = Stage { host: stage.host.clone(), ..Stage::new(&[]) };
    let session = signing.fake.open(&again).await.unwrap();
    assert_eq!(again.host.opened.lock().unwrap().len(), 1);
    let_go(&again, session).await;
}

#[tokio::test]
async fn nobody_signs_in_where_nobody_is() {
    let signing = Signing::new(|_| None).await;
    let stage = Stage::new(&[]);
    let fault = signing.fake.open(&stage).await.unwrap_err();
    assert!(matches!(fault, ServerFault::AuthRequired { .. }), "{fault:?}");
    assert!(stage.host.opened.lock().unwrap().is_empty(), "no page opens by itself");
}

#[tokio::test]
async fn an_authorization_server_that_cannot_be_trusted_gets_no_sign_in() {
    // C-44, C-46, C-47.
    type Spoil = fn(&mut Json, &str);
    let cases: [(&str, Spoil); 5] = [
        ("no PKCE", |document, _| drop(document.as_object_mut().unwrap().remove("code_challenge_methods_supported"))),
        ("plain PKCE", |document, _| document["code_challenge_methods_supported"] = json!(["plain"])),
        ("a script for a page", |document, _| document["authorization_endpoint"] = "javascript:alert(1)//".into()),
        ("a page with a command", |document, base| document["authorization_endpoint"] = format!("{base}/$(calc)").into()),
        ("another issuer", |document, _| document["issuer"] = "https://evil.example".into()),
    ];
    for (name, spoil) in cases {
        let signing = Signing::new(move |asked| {
            (asked.target == "/.well-known/oauth-authorization-server").then(|| {
                let base = format!("http://{}", asked.header("host").unwrap());
                let mut document = metadata(&base);
                spoil(&mut document, &base);
                answer(200, "application/json", document.to_string())
            })
        })
        .await;
        let stage = Stage::new(&[]);
        signs_in(&stage);
        let fault = signing.fake.open(&stage).await.unwrap_err();
        assert!(matches!(fault, ServerFault::AuthFailed { .. } | ServerFault::AddressRefused { .. }), "{name}: {fault:?}");
        assert!(stage.host.opened.lock().unwrap().is_empty(), "{name}: no page opened");
        assert!(signing.fake.asked(|asked| asked.target == "/token").is_empty(), "{name}");
    }
}

#[tokio::test]
async fn an_answer_from_another_issuer_is_not_taken() {
    // C-46.
    let signing = Signing::new(|asked| {
        asked.target.starts_with("/authorize?").then(|| {
            let asked = query(asked.target.split_once('?').unwrap().1);
            let mut response = plain(302);
            let back = format!("{}?code=c1&state={}&iss=https%3A%2F%2Fevil.example", asked["redirect_uri"], asked["state"]);
            response.headers_mut().insert("location", back.parse().unwrap());
            response
        })
    })
    .await;
    let stage = Stage::new(&[]);
    signs_in(&stage);
    let fault = signing.fake.open(&stage).await.unwrap_err();
    assert!(matches!(fault, ServerFault::AuthFailed { .. }), "{fault:?}");
    assert!(signing.fake.asked(|asked| asked.target == "/token").is_empty(), "the code was not redeemed");
}

#[tokio::test]
async fn a_server_that_is_never_content_is_given_up() {
    // C-36: a token that is never good, and rights that are never enough.
    let signing = Signing::new(|asked| {
        (asked.target == "/mcp").then(|| {
            let base = format!("http://{}", asked.header("host").unwrap());
            let mut no = plain(401);
            no.headers_mut().insert(
                "www-authenticate",
                format!("Bearer resource_metadata=\"{base}/.well-known/oauth-protected-resource/mcp\"").parse().unwrap(),
            );
            no
        })
    })
    .await;
    let stage = Stage::new(&[]);
    signs_in(&stage);
    let fault = signing.fake.open(&stage).await.unwrap_err();
    assert!(matches!(fault, ServerFault::AuthFailed { .. }), "{fault:?}");
    assert_eq!(stage.host.opened.lock().unwrap().len(), 1, "one sign-in, not a loop of them");

    let signing = Signing::new(|asked| {
        (asked.rpc() == "tools/call" && asked.header("authorization").is_some()).then(|| {
            let mut no = plain(403);
            no.headers_mut().insert("www-authenticate", "Bearer error=\"insufficient_scope\", scope=\"write\"".parse().unwrap());
            no
        })
    })
    .await;
    let stage = Stage::new(&[]);
    signs_in(&stage);
    let session = signing.fake.open(&stage).await.unwrap();
    let fault = call(&*session).await.unwrap_err();
    assert!(matches!(fault, ServerFault::AuthFailed { .. }), "{fault:?}");
    assert_eq!(stage.host.opened.lock().unwrap().len(), 3, "the first sign-in and two for more rights");
    let last = signing.fake.asked(|asked| asked.target.starts_with("/authorize?")).pop().unwrap();
    let scopes = query(last.target.split_once('?').unwrap().1).remove("scope").unwrap();
    assert!(scopes.contains("read") && scopes.contains("write"), "what was granted stays: {scopes}");
    let_go(&stage, session).await;
}

#[tokio::test]
async fn a_machine_signs_in_with_its_own_credentials() {
    let signing = Signing::new(|_| None).await;
    let stage = Stage::new(&[]);
    let mut settings = signing.fake.settings();
    settings["oauth"] = json!({ "grant": "client_credentials", "client_id": "robot", "client_secret": "hush" });
    let session = open(&stage, settings).await.unwrap();
    assert_eq!(call(&*session).await.unwrap().text(), "ok");
    assert!(stage.host.opened.lock().unwrap().is_empty());
    let_go(&stage, session).await;
}

#[tokio::test]
async fn the_settings_form_knows_its_fields() {
    let schema = protocol().info().schema;
    for field in ["url", "stream_url", "base_url", "host", "port", "path", "era", "oauth", "timeout", "auth_token"] {
        assert!(schema["properties"].get(field).is_some(), "{field}");
    }
    let target = protocol().check(json!({ "url": "https://h.example/mcp?key=secret" }).as_object().unwrap().clone()).unwrap();
    assert!(target.starts_with("https://h.example/mcp") && !target.contains("secret"));
    let fault = protocol().check(JsonMap::new()).unwrap_err();
    assert!(matches!(fault, ServerFault::Settings { .. }));
}

/// A server in the clear that holds a reply's body back on every connection that was used before, as one without `TCP_NODELAY` does.
async fn holding_back() -> (String, Arc<AtomicUsize>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://127.0.0.1:{}/mcp", listener.local_addr().unwrap().port());
    let connections = Arc::new(AtomicUsize::new(0));
    let count = connections.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            count.fetch_add(1, Ordering::SeqCst);
            tokio::spawn(async move {
                let mut stream = tokio::io::BufReader::new(stream);
                for nth in 0.. {
                    let (mut length, mut first, mut last) = (0, String::new(), false);
                    loop {
                        let mut line = String::new();
                        if tokio::io::AsyncBufReadExt::read_line(&mut stream, &mut line).await.unwrap_or(0) == 0 {
                            return;
                        }
                        let line = line.trim().to_lowercase();
                        if line.is_empty() {
                            break;
                        }
                        last |= line == "connection: close";
                        length = line.strip_prefix("content-length: ").map_or(length, |text| text.parse().unwrap());
                        if first.is_empty() {
                            first = line;
                        }
                    }
                    let mut body = vec![0; length];
                    stream.read_exact(&mut body).await.unwrap();
                    let body: Json = serde_json::from_slice(&body).unwrap_or_default();
                    let method = if first.starts_with("post") { Method::POST } else { Method::GET };
                    let answer = behave(&Asked { method, target: String::new(), headers: HeaderMap::new(), body });
                    let (parts, body) = answer.into_parts();
                    let body = axum::body::to_bytes(body, 1 << 20).await.unwrap();
                    let head = format!(
                        "HTTP/1.1 {} x\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
                        parts.status.as_u16(),
                        body.len()
                    );
                    stream.write_all(head.as_bytes()).await.unwrap();
                    if nth > 0 && !body.is_empty() {
                        tokio::time::sleep(Duration::from_millis(45)).await;
                    }
                    if stream.write_all(&body).await.is_err() || last {
                        return;
                    }
                }
            });
        }
    });
    (url, connections)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_whose_replies_wait_for_an_acknowledgement_gets_fresh_connections() {
    // Trap 8.
    let (url, connections) = holding_back().await;
    let stage = Stage::new(&[]);
    let session = open(&stage, json!({ "url": url, "proxy": "none", "era": "legacy" })).await.unwrap();
    let at_first = connections.load(Ordering::SeqCst);
    let mut calls = 0;
    while connections.load(Ordering::SeqCst) < at_first + 3 {
        assert_eq!(call(&*session).await.unwrap().text(), "ok");
        calls += 1;
        assert!(calls < 500, "all went over the connections that hold replies back");
    }
    assert!(calls > 3, "a connection is kept until it has shown that it stalls");
    let_go(&stage, session).await;
}
