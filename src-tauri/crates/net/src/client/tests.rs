//! The client against small servers.

use std::sync::Mutex;

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::IntoResponse as _;
use axum::routing::{any, get};
use domain::fault::Phase;
use domain::protocol::TlsSettings;
use domain::secret::Secret;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::*;
use crate::ProxyChoice;

fn plain() -> Client {
    client(&ClientSettings { proxy: ProxyChoice::None, ..ClientSettings::default() }).unwrap()
}

async fn serve(router: Router) -> Url {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = Url::parse(&format!("http://{}/", listener.local_addr().unwrap())).unwrap();
    #[expect(clippy::disallowed_methods, reason = "the test's runtime ends the server")]
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

/// A server that answers every connection with these bytes and closes.
async fn raw(answer: &'static [u8]) -> Url {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = Url::parse(&format!("http://{}/", listener.local_addr().unwrap())).unwrap();
    #[expect(clippy::disallowed_methods, reason = "the test's runtime ends the server")]
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = [0; 4096];
            let _ = stream.read(&mut request).await;
            let _ = stream.write_all(answer).await;
            let _ = stream.shutdown().await;
        }
    });
    url
}

#[tokio::test]
async fn redirects_stay_on_their_origin_and_the_body_goes_along_once_a_hop() {
    type Seen = Arc<Mutex<Vec<(String, String)>>>;
    let seen: Seen = Arc::default();
    let router = Router::new()
        .route(
            "/hop/{left}/{status}",
            any(|Path((left, status)): Path<(u32, u16)>, State(seen): State<Seen>, body: String| async move {
                seen.lock().unwrap().push((format!("{left}"), body));
                let to = if left == 0 { "/end".to_owned() } else { format!("/hop/{}/{status}", left - 1) };
                (StatusCode::from_u16(status).unwrap(), [("location", to)]).into_response()
            }),
        )
        .route(
            "/to",
            any(|axum::extract::RawQuery(to): axum::extract::RawQuery| async move {
                (StatusCode::FOUND, [("location", to.unwrap_or_default())]).into_response()
            }),
        )
        .route(
            "/end",
            any(|State(seen): State<Seen>, headers: HeaderMap, body: String| async move {
                seen.lock().unwrap().push(("end".into(), body));
                headers.get("x-api-key").map(|key| key.to_str().unwrap().to_owned()).unwrap_or_default()
            }),
        )
        .with_state(Arc::clone(&seen));
    let base = serve(router).await;
    let post = |path: &str| {
        Request::post_json(base.join(path).unwrap(), &serde_json::json!({"n": 1}))
            .header(HeaderName::from_static("x-api-key"), HeaderValue::from_static("k"))
    };

    let answer = plain().send(post("/hop/2/307")).await.unwrap();
    assert_eq!(answer.url().path(), "/end");
    assert_eq!(answer.read_limited(100).await.unwrap(), "k", "the headers stay with their origin");
    let hops = std::mem::take(&mut *seen.lock().unwrap());
    assert_eq!(hops.len(), 4);
    assert!(hops.iter().all(|(_, body)| body == "{\"n\":1}"), "each hop got the body once: {hops:?}");

    let too_many = plain().send(post("/hop/3/308")).await;
    assert!(matches!(too_many, Err(ServerFault::RedirectRefused { .. })), "{too_many:?}");
    let turned = plain().send(post("/hop/0/302")).await;
    assert!(matches!(turned, Err(ServerFault::RedirectRefused { .. })), "a POST does not become a GET: {turned:?}");
    assert_eq!(plain().send(Request::get(base.join("/hop/0/302").unwrap())).await.unwrap().status(), 200);

    let port = base.port().unwrap();
    for to in [
        "http://evil.test/".to_owned(),
        format!("https://127.0.0.1:{port}/"),
        format!("http://localhost:{port}/"),
        format!("http://127.0.0.1:{}/", port.wrapping_add(1).max(1)),
        format!("http://user:hunter2@127.0.0.1:{port}/end"),
        "//evil.test/x".to_owned(),
        "file:///etc/passwd".to_owned(),
        "javascript:alert(1)".to_owned(),
        String::new(),
    ] {
        let mut url = base.join("/to").unwrap();
        url.set_query(Some(&to));
        match plain().send(Request::get(url)).await {
            Err(fault @ ServerFault::RedirectRefused { .. }) => assert!(!fault.to_string().contains("hunter2")),
            other => panic!("{to} gave {other:?}"),
        }
    }
}

#[tokio::test]
async fn no_cookie_is_kept_and_the_client_says_who_it_is() {
    let router = Router::new().route(
        "/",
        get(|headers: HeaderMap| async move {
            ([("set-cookie", "a=b")], format!("{:?} {:?}", headers.get("cookie"), headers.get("user-agent")))
        }),
    );
    let (base, client) = (serve(router).await, plain());
    for _ in 0..2 {
        let text = client.send(Request::get(base.clone())).await.unwrap().read_limited(1000).await.unwrap();
        assert_eq!(text, format!("None Some(\"{USER_AGENT}\")"));
    }
}

#[tokio::test]
async fn one_connection_serves_calls_in_a_row() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = Url::parse(&format!("http://{}/", listener.local_addr().unwrap())).unwrap();
    let peers = Arc::new(Mutex::new(std::collections::HashSet::new()));
    let seen = Arc::clone(&peers);
    let router = Router::new().route(
        "/",
        get(move |axum::extract::ConnectInfo(peer): axum::extract::ConnectInfo<SocketAddr>| async move {
            seen.lock().unwrap().insert(peer);
            "ok"
        }),
    );
    #[expect(clippy::disallowed_methods, reason = "the test's runtime ends the server")]
    tokio::spawn(async move { axum::serve(listener, router.into_make_service_with_connect_info::<SocketAddr>()).await });
    let client = plain();
    for _ in 0..5 {
        client.send(Request::get(base.clone())).await.unwrap().read_limited(10).await.unwrap();
    }
    assert_eq!(peers.lock().unwrap().len(), 1, "the pool was reused");
}

#[tokio::test]
async fn headers_beyond_the_limit_are_refused() {
    let big = Router::new().route(
        "/{count}/{size}",
        get(|Path((count, size)): Path<(usize, usize)>| async move {
            let mut headers = HeaderMap::new();
            for nth in 0..count {
                headers.append(HeaderName::from_bytes(format!("x-{nth}").as_bytes()).unwrap(), "v".repeat(size).parse().unwrap());
            }
            headers
        }),
    );
    let base = serve(big).await;
    for (path, fine) in [("/10/1000", true), ("/90/1000", false), ("/10000/1", false), ("/1/1000000", false)] {
        match plain().send(Request::get(base.join(path).unwrap())).await {
            Ok(_) => assert!(fine, "{path} is over the limit"),
            Err(fault) => assert!(!fine && matches!(fault, ServerFault::ResourceLimit { .. }), "{path} gave {fault:?}"),
        }
    }
}

#[tokio::test]
async fn bodies_that_lie_about_their_length_are_violations() {
    let short = raw(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{\"a\":1}").await;
    let found = plain().send(Request::get(short)).await.unwrap().json().await;
    assert!(matches!(found, Err(ServerFault::ProtocolViolation { .. })), "{found:?}");
    let long = raw(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 7\r\n\r\n{\"a\":1}trailing garbage").await;
    assert_eq!(plain().send(Request::get(long)).await.unwrap().json().await.unwrap()["a"], 1, "what is beyond the length is not the body");
    let garbage = raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nnot chunked").await;
    let found = plain().send(Request::get(garbage)).await.unwrap().json().await;
    assert!(matches!(found, Err(ServerFault::ProtocolViolation { .. })), "{found:?}");
    let no_http = raw(b"SSH-2.0-OpenSSH_9.2\r\n").await;
    let found = plain().send(Request::get(no_http)).await;
    assert!(matches!(found, Err(ServerFault::ProtocolViolation { .. })), "{found:?}");
    let silent = raw(b"").await;
    let found = plain().send(Request::post_json(silent, &serde_json::json!({}))).await;
    assert!(matches!(found, Err(ServerFault::ConnectionLost { lost_result: true, .. })), "{found:?}");
}

#[tokio::test]
async fn statuses_without_an_answer_say_so() {
    let router = Router::new()
        .route("/204", get(|| async { StatusCode::NO_CONTENT }))
        .route("/206", get(|| async { (StatusCode::PARTIAL_CONTENT, "{}") }))
        .route("/empty", get(|| async { "" }))
        .route("/html", get(|| async { axum::response::Html("<h1>Log in</h1>") }));
    let base = serve(router).await;
    for (path, part) in [("/204", "empty"), ("/206", "206"), ("/empty", "empty"), ("/html", "<h1>Log in</h1>")] {
        let found = match plain().send(Request::get(base.join(path).unwrap())).await.unwrap().ok().await {
            Ok(answer) => answer.json().await,
            Err(fault) => Err(fault),
        };
        assert!(matches!(&found, Err(ServerFault::ProtocolViolation { rule }) if rule.contains(part)), "{path} gave {found:?}");
    }
}

#[tokio::test]
async fn a_compressed_bomb_ends_before_it_swells() {
    let zeros = vec![0u8; 3 * 1024 * 1024];
    let mut packed = Vec::new();
    async_compression::tokio::bufread::GzipEncoder::new(&zeros[..]).read_to_end(&mut packed).await.unwrap();
    let router = Router::new().route("/", get(move || async move { ([("content-encoding", "gzip")], Body::from(packed)) }));
    let found = plain().send(Request::get(serve(router).await)).await.unwrap().read_limited(crate::MESSAGE_LIMIT).await;
    assert!(matches!(found, Err(ServerFault::DecompressionLimit { .. })), "{:?}", found.map(|bytes| bytes.len()));
}

#[tokio::test]
async fn nobody_there_is_told_apart_from_a_name_that_does_not_resolve_and_from_silence() {
    // Taken but never listened on: nobody else can be given this port meanwhile.
    let nobody = tokio::net::TcpSocket::new_v4().unwrap();
    nobody.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let gone = nobody.local_addr().unwrap();
    let refused = plain().send(Request::get(Url::parse(&format!("http://{gone}/")).unwrap())).await;
    assert!(
        matches!(&refused, Err(ServerFault::Unreachable { peer, reason }) if *peer == gone.to_string() && reason.contains("refused")),
        "{refused:?}"
    );
    let unknown = plain().send(Request::get(Url::parse("http://no-such-host.invalid/").unwrap())).await;
    assert!(matches!(&unknown, Err(ServerFault::Unreachable { reason, .. }) if reason.contains("resolve")), "{unknown:?}");
    // A listener that never accepts TLS: the handshake runs into the connect timeout.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let settings = ClientSettings { proxy: ProxyChoice::None, connect_timeout: Duration::from_millis(100), ..ClientSettings::default() };
    let url = Url::parse(&format!("https://{}/", listener.local_addr().unwrap())).unwrap();
    let silent = client(&settings).unwrap().send(Request::get(url)).await;
    assert!(matches!(silent, Err(ServerFault::Timeout { phase: Phase::Connect, .. })), "{silent:?}");
}

#[tokio::test]
async fn an_address_that_a_server_named_must_be_public() {
    let settings = ClientSettings { proxy: ProxyChoice::None, addresses: AddressRule::PublicOnly, ..ClientSettings::default() };
    let client = client(&settings).unwrap();
    for url in
        ["http://169.254.169.254/latest", "http://127.0.0.1:1/", "http://[fd00::1]/", "http://localhost:1/", "http://[::ffff:10.0.0.1]/"]
    {
        let found = client.send(Request::get(Url::parse(url).unwrap())).await;
        assert!(matches!(found, Err(ServerFault::AddressRefused { .. })), "{url} gave {found:?}");
    }
}

#[tokio::test]
async fn a_proxy_is_used_for_others_and_its_refusal_is_told() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let proxy = format!("http://u:hunter2@{}", listener.local_addr().unwrap());
    let seen = Arc::new(Mutex::new(String::new()));
    let log = Arc::clone(&seen);
    #[expect(clippy::disallowed_methods, reason = "the test's runtime ends the server")]
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = [0; 4096];
            let read = stream.read(&mut request).await.unwrap_or(0);
            let text = String::from_utf8_lossy(&request[..read]).into_owned();
            let answer: &[u8] = if text.contains("refused.test") {
                b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n"
            } else if text.starts_with("CONNECT") {
                b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<h1>portal</h1>"
            } else {
                b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
            };
            log.lock().unwrap().push_str(&text);
            let _ = stream.write_all(answer).await;
            let _ = stream.shutdown().await;
        }
    });
    let settings = ClientSettings { proxy: ProxyChoice::parse(Some(&Secret::new(proxy))).unwrap(), ..ClientSettings::default() };
    let client = client(&settings).unwrap();
    let get = |url: &str| client.send(Request::get(Url::parse(url).unwrap()));
    assert_eq!(get("http://fine.test/").await.unwrap().read_limited(10).await.unwrap(), "ok");
    assert!(seen.lock().unwrap().to_lowercase().contains("proxy-authorization: basic dtpodw50zxiy"), "credentials go to the proxy");
    for (url, part) in [("http://refused.test/", "407"), ("https://refused.test/", "proxy")] {
        let fault = match get(url).await {
            Ok(answer) => answer.ok().await.unwrap_err(),
            Err(fault) => fault,
        };
        assert!(matches!(fault, ServerFault::Unreachable { .. }), "{url} gave {fault:?}");
        assert!(fault.to_string().contains(part) && !fault.to_string().contains("hunter2"), "{fault}");
    }
    let portal = get("https://portal.test/").await;
    assert!(matches!(portal, Err(ServerFault::TlsFailed { .. } | ServerFault::Unreachable { .. })), "HTML in place of TLS: {portal:?}");
    assert!(!client.proxy_for(&Url::parse("http://fine.test/").unwrap()).unwrap().contains("hunter2"));
    assert_eq!(client.proxy_for(&Url::parse("http://127.0.0.1/").unwrap()), None);
}

#[tokio::test]
async fn tls_says_in_plain_words_what_is_wrong() {
    use rcgen::{CertificateParams, KeyPair};
    let pair = |names: &[&str], expired: bool| {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>()).unwrap();
        if expired {
            params.not_after = rcgen::date_time_ymd(2020, 1, 1);
        }
        (params.self_signed(&key).unwrap(), key)
    };
    let dir = tempfile::tempdir().unwrap();
    for (names, expired, trusted, expected) in [
        (&["127.0.0.1"][..], false, false, Some("nobody this machine trusts")),
        (&["127.0.0.1"], false, true, None),
        (&["other.test"], false, true, Some("another name")),
        (&["127.0.0.1"], true, true, Some("expired")),
    ] {
        let (cert, key) = pair(names, expired);
        let server = rustls::ServerConfig::builder_with_provider(crate::tls::provider())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![cert.der().clone()], rustls_pki_types::PrivateKeyDer::try_from(key.serialize_der()).unwrap())
            .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = Url::parse(&format!("https://{}/", listener.local_addr().unwrap())).unwrap();
        let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(server));
        #[expect(clippy::disallowed_methods, reason = "the test's runtime ends the server")]
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                if let Ok(mut stream) = acceptor.accept(stream).await {
                    let mut request = [0; 4096];
                    let _ = stream.read(&mut request).await;
                    let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await;
                    let _ = stream.shutdown().await;
                }
            }
        });
        let ca = dir.path().join("ca.pem");
        std::fs::write(&ca, cert.pem()).unwrap();
        let tls = TlsSettings { ca_file: trusted.then(|| ca.to_str().unwrap().to_owned()), ..TlsSettings::default() };
        let found =
            client(&ClientSettings { tls, proxy: ProxyChoice::None, ..ClientSettings::default() }).unwrap().send(Request::get(url)).await;
        match (found, expected) {
            (Ok(answer), None) => assert_eq!(answer.read_limited(10).await.unwrap(), "ok"),
            (Err(ServerFault::TlsFailed { reason }), Some(part)) => assert!(reason.contains(part), "{reason}"),
            (other, _) => panic!("{names:?} gave {other:?}"),
        }
    }
    let plain_http = raw(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
    let url = Url::parse(plain_http.as_str().replacen("http", "https", 1).as_str()).unwrap();
    let found = plain().send(Request::get(url)).await;
    assert!(matches!(&found, Err(ServerFault::TlsFailed { reason }) if reason.contains("does not speak TLS")), "{found:?}");
}
