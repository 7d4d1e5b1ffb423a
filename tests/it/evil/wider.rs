//! Cases that are more than one bad answer: TLS, addresses, many servers at once, the clock, and the end of it all.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use domain::id::ServerId;
use domain::protocol::Protocol;
use domain::server::StartRule;
use domain::{Json, JsonMap};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::json;
use testkit::echo::{Echo, EchoHttp, HttpKind};
use testkit::evil::{Transport, find};
use testkit::scripted::Act;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::siege::{Siege, bred, call, definition, descendants, echo, until};
use super::{PATIENCE, plays};
use crate::house::{House, order, window};

/// Names of protocols with settings that reach an address of this machine.
fn wires(scheme: &str, at: SocketAddr) -> [(&'static str, Json); 4] {
    let socket = scheme.replacen("http", "ws", 1);
    [
        ("stream_http", json!({ "url": format!("{scheme}://{at}/mcp") })),
        ("sse", json!({ "url": format!("{scheme}://{at}/sse") })),
        ("websocket", json!({ "url": format!("{socket}://{at}/ws") })),
        ("http", json!({ "base_url": format!("{scheme}://{at}") })),
    ]
}

/// What is wrong with a certificate.
#[derive(Clone, Copy, PartialEq)]
enum Flaw {
    None,
    Unknown,
    Expired,
    Revoked,
    Constrained,
    Sha1,
}

/// A TLS server with a certificate for these names. It counts handshakes that came about and what was agreed on in them, and answers
/// everything with these bytes.
struct TlsPeer {
    at: SocketAddr,
    /// The settings of somebody who trusts its authority, and knows what that revoked.
    tls: Json,
    _files: tempfile::TempDir,
    acceptor: Arc<Mutex<TlsAcceptor>>,
    agreed: Arc<Mutex<Vec<String>>>,
    serving: tokio::task::JoinHandle<()>,
}

/// An authority, and what it issued.
struct Issued {
    ca: String,
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
    revoked: String,
}

impl Issued {
    fn acceptor(self) -> TlsAcceptor {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(self.chain, self.key)
            .unwrap();
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        TlsAcceptor::from(Arc::new(config))
    }
}

fn issue(names: &[&str], flaw: Flaw) -> Issued {
    if flaw == Flaw::Sha1 {
        let leaf = CertificateDer::from_pem_slice(include_bytes!("sha1/leaf.pem")).unwrap();
        let key = PrivateKeyDer::from_pem_slice(include_bytes!("sha1/leaf.key")).unwrap();
        return Issued { ca: include_str!("sha1/ca.pem").to_owned(), chain: vec![leaf], key, revoked: String::new() };
    }
    let ca_key = rcgen::KeyPair::generate().unwrap();
    let mut params = rcgen::CertificateParams::default();
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    params.key_usages = vec![rcgen::KeyUsagePurpose::KeyCertSign, rcgen::KeyUsagePurpose::CrlSign];
    params.distinguished_name.push(rcgen::DnType::CommonName, "authority of a test");
    if flaw == Flaw::Constrained {
        let permitted_subtrees = vec![rcgen::GeneralSubtree::IpAddress(rcgen::CidrSubnet::V4([10, 0, 0, 0], [255, 0, 0, 0]))];
        params.name_constraints = Some(rcgen::NameConstraints { permitted_subtrees, excluded_subtrees: Vec::new() });
    }
    let ca = params.self_signed(&ca_key).unwrap();
    let issuer = rcgen::Issuer::new(params, ca_key);
    let key = rcgen::KeyPair::generate().unwrap();
    let mut params = rcgen::CertificateParams::new(names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>()).unwrap();
    params.serial_number = Some(7_u64.into());
    if flaw == Flaw::Expired {
        params.not_after = rcgen::date_time_ymd(2020, 1, 1);
    }
    let leaf = params.signed_by(&key, &issuer).unwrap();
    let revoked = rcgen::CertificateRevocationListParams {
        this_update: rcgen::date_time_ymd(2026, 1, 1),
        next_update: rcgen::date_time_ymd(2126, 1, 1),
        crl_number: 1_u64.into(),
        issuing_distribution_point: None,
        revoked_certs: vec![rcgen::RevokedCertParams {
            serial_number: if flaw == Flaw::Revoked { 7_u64 } else { 8 }.into(),
            revocation_time: rcgen::date_time_ymd(2026, 1, 1),
            reason_code: Some(rcgen::RevocationReason::KeyCompromise),
            invalidity_date: None,
        }],
        key_identifier_method: rcgen::KeyIdMethod::Sha256,
    };
    Issued {
        ca: ca.pem(),
        chain: vec![leaf.der().clone()],
        key: PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
        revoked: revoked.signed_by(&issuer).unwrap().pem().unwrap(),
    }
}

impl Drop for TlsPeer {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl TlsPeer {
    async fn start(names: &[&str], flaw: Flaw, answer: Vec<u8>) -> Self {
        let issued = issue(names, flaw);
        let files = tempfile::tempdir().unwrap();
        let file = |name: &str, text: &str| {
            std::fs::write(files.path().join(name), text).unwrap();
            files.path().join(name).to_str().unwrap().to_owned()
        };
        let tls = match (flaw, issued.revoked.as_str()) {
            (Flaw::Unknown, _) => Json::Null,
            (_, "") => json!({ "ca_file": file("ca.pem", &issued.ca) }),
            (_, revoked) => json!({ "ca_file": file("ca.pem", &issued.ca), "crl_file": file("crl.pem", revoked) }),
        };
        let acceptor = Arc::new(Mutex::new(issued.acceptor()));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = listener.local_addr().unwrap();
        let agreed: Arc<Mutex<Vec<String>>> = Arc::default();
        let (seen, now) = (agreed.clone(), acceptor.clone());
        let serving = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, seen, answer) = (now.lock().unwrap().clone(), seen.clone(), answer.clone());
                tokio::spawn(async move {
                    let Ok(mut stream) = acceptor.accept(stream).await else { return };
                    let alpn = stream.get_ref().1.alpn_protocol().unwrap_or(b"nothing").to_vec();
                    seen.lock().unwrap().push(String::from_utf8(alpn).unwrap());
                    let mut request = [0; 4096];
                    let _ = stream.read(&mut request).await;
                    let _ = stream.write_all(&answer).await;
                    let _ = stream.shutdown().await;
                });
            }
        });
        Self { at, tls, _files: files, acceptor, agreed, serving }
    }

    /// From now on it shows a certificate of another authority.
    fn swap(&self, names: &[&str]) {
        *self.acceptor.lock().unwrap() = issue(names, Flaw::None).acceptor();
    }

    fn agreed(&self) -> Vec<String> {
        self.agreed.lock().unwrap().clone()
    }
}

/// What a server may send that thinks it speaks HTTP/2: settings without end, a header block that goes on and on, streams that are reset.
fn http2_flood() -> Vec<u8> {
    let frame = |kind: u8, flags: u8, stream: u32, payload: &[u8]| {
        let mut out = (payload.len() as u32).to_be_bytes()[1..].to_vec();
        out.extend_from_slice(&[kind, flags]);
        out.extend_from_slice(&stream.to_be_bytes());
        out.extend_from_slice(payload);
        out
    };
    let mut out = Vec::new();
    (0..500).for_each(|_| out.extend(frame(4, 0, 0, &[])));
    out.extend(frame(1, 0, 1, b"\x88"));
    (0..500).for_each(|_| out.extend(frame(9, 0, 1, &[0; 64])));
    (0..500).for_each(|nth| out.extend(frame(3, 0, 2 * nth + 1, &[0, 0, 0, 8])));
    out.extend(frame(7, 0, 0, &[0; 8]));
    out
}

/// No wire gets through to that server, and each says why in these words.
async fn tls_fails(siege: &Siege, about: &str, at: SocketAddr, tls: &Json, words: &str) {
    for (protocol, mut settings) in wires("https", at) {
        let name = format!("{about} over {protocol}");
        settings["auth_token"] = testkit::evil::SECRET.into();
        if !tls.is_null() {
            settings["tls"] = tls.clone();
        }
        let id = siege.app.book.save(definition(&name, protocol, settings), &window()).await.unwrap().def.id;
        let fault = siege.app.sessions.connect(&id, &window()).await.unwrap_err();
        assert_eq!(fault.code, "tls_failed", "{name}: {fault:?}");
        assert!(fault.message.en.contains(&name) && fault.message.en.contains(words), "{}", fault.message.en);
        assert!(!fault.hint.zh.is_empty() && !fault.hint.en.contains("anyway"), "{}", fault.hint.en);
        siege.app.book.remove(&id, &window()).await.unwrap();
    }
}

plays! {
    /// C-38.
    async fn a_certificate_that_is_not_right_ends_every_wire_with_a_plain_reason() {
        let siege = Siege::lay().await;
        for (about, names, flaw, words) in [
            ("unknown", ["127.0.0.1"], Flaw::Unknown, "nobody this machine trusts"),
            ("expired", ["127.0.0.1"], Flaw::Expired, "expired"),
            ("wrong host", ["other.test"], Flaw::None, "another name"),
            ("revoked", ["127.0.0.1"], Flaw::Revoked, "revoked"),
            ("not its authority's to say", ["127.0.0.1"], Flaw::Constrained, "may not speak for"),
            ("sha-1", ["127.0.0.1"], Flaw::Sha1, "SHA-1"),
        ] {
            let peer = TlsPeer::start(&names, flaw, b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n".to_vec()).await;
            tls_fails(&siege, about, peer.at, &peer.tls, words).await;
            assert_eq!(peer.agreed(), [""; 0], "{about}: nothing was ever said over such a connection");
        }
        siege.lift(0).await;
    }

    /// C-38: a server that knows nothing newer than TLS 1.0. Whether it says so or just goes on, there is no connection.
    async fn a_server_of_old_tls_is_not_spoken_to() {
        let siege = Siege::lay().await;
        // A ServerHello of version 3.1, and the alert with which an honest server refuses a newer client (RFC 8446, 6.2).
        let mut hello = vec![22, 3, 1, 0, 42, 2, 0, 0, 38, 3, 1];
        hello.extend([7; 32]);
        hello.extend([0, 0, 0x2f, 0]);
        for (about, answer, words) in [("goes on", hello, "no TLS 1.2 or newer"), ("says so", vec![21, 3, 1, 0, 2, 2, 70], "no safe TLS version")] {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let at = listener.local_addr().unwrap();
            let serving = tokio::spawn(async move {
                while let Ok((mut stream, _)) = listener.accept().await {
                    let mut hello = [0; 4096];
                    let _ = stream.read(&mut hello).await;
                    let _ = stream.write_all(&answer).await;
                    // Until it hangs up: whatever it says after that is what must not be.
                    let _ = stream.read(&mut hello).await;
                }
            });
            tls_fails(&siege, about, at, &Json::Null, words).await;
            serving.abort();
        }
        siege.lift(0).await;
    }

    /// C-38: the certificate that answers is another one after the connection broke.
    async fn a_certificate_that_was_swapped_is_looked_at_again() {
        let siege = Siege::lay().await;
        let peer = TlsPeer::start(&["127.0.0.1"], Flaw::None, Vec::new()).await;
        for (swapped, what) in [(false, "the right one is good"), (true, "another one is not")] {
            if swapped {
                peer.swap(&["127.0.0.1"]);
            }
            let before = peer.agreed().len();
            for (protocol, mut settings) in wires("https", peer.at) {
                settings["tls"] = peer.tls.clone();
                let id = siege.app.book.save(definition(protocol, protocol, settings), &window()).await.unwrap().def.id;
                let state = siege.app.sessions.connect(&id, &window()).await;
                let fault = state.map_or_else(|fault| fault, |state| state.fault().cloned().expect("nothing was answered"));
                assert_eq!(fault.code == "tls_failed", swapped, "{protocol}: {what}: {fault:?}");
                siege.app.book.remove(&id, &window()).await.unwrap();
            }
            assert_eq!(peer.agreed().len() == before, swapped, "{what}: {:?}", peer.agreed());
        }
        drop(peer);
        siege.lift(0).await;
    }

    /// C-26.
    async fn http2_is_not_offered_and_a_server_that_speaks_it_all_the_same_is_not_understood() {
        let siege = Siege::lay().await;
        let peer = TlsPeer::start(&["127.0.0.1"], Flaw::None, http2_flood()).await;
        for (protocol, mut settings) in wires("https", peer.at) {
            settings["tls"] = peer.tls.clone();
            let id = siege.app.book.save(definition(protocol, protocol, settings), &window()).await.unwrap().def.id;
            // Over REST there is no handshake: the first thing that fails is the list.
            let state = siege.app.sessions.connect(&id, &window()).await;
            let fault = state.map_or_else(|fault| fault, |state| state.fault().cloned().expect("nothing was understood"));
            let codes = ["protocol_violation", "connection_lost", "unreachable", "resource_limit"];
            assert!(codes.contains(&fault.code.as_str()), "{protocol}: {fault:?}");
            siege.app.book.remove(&id, &window()).await.unwrap();
        }
        let agreed = peer.agreed();
        drop(peer);
        assert!(agreed.len() >= 4 && !agreed.contains(&"h2".to_owned()), "{agreed:?}");
        siege.lift(0).await;
    }

    /// C-61: two rows for one server, and one of them is taken away while both have a call under way.
    async fn a_server_that_is_removed_during_a_call_fails_that_call_once_and_no_other() {
        let siege = Siege::lay().await;
        let peer = EchoHttp::start(Echo::new(), HttpKind::Plain).await;
        let mut ids = Vec::new();
        for name in ["a", "b"] {
            ids.push(siege.app.book.save(definition(name, "stream_http", json!({ "url": peer.url() })), &window()).await.unwrap().def.id);
        }
        let hold = |id: ServerId| {
            let app = siege.app.clone();
            tokio::spawn(async move { call(&app, &id, "hold", json!({}), Some(2 * PATIENCE)).await })
        };
        let calls: Vec<_> = ids.iter().cloned().map(hold).collect();
        let [first, second] = <[_; 2]>::try_from(calls).unwrap();
        until("both calls are under way", || if peer.echo.running() == 2 { Ok(()) } else { Err(peer.echo.running().to_string()) }).await;
        siege.app.book.remove(&ids[0], &window()).await.unwrap();
        let fault = first.await.unwrap().unwrap_err();
        assert!(["connection_lost", "result_lost", "cancelled"].contains(&fault.code.as_str()), "{fault:?}");
        assert!(!second.is_finished(), "the other row has a connection of its own");
        assert_eq!(peer.echo.calls("hold"), 2, "nothing is sent again");
        peer.echo.release();
        second.await.unwrap().unwrap();
        assert_eq!(peer.echo.calls("hold"), 2);
        siege.app.book.remove(&ids[1], &window()).await.unwrap();
        drop(peer);
        siege.lift(0).await;
    }

    /// C-65: many servers in the middle of all sorts of things, and the person quits.
    async fn whatever_is_under_way_quitting_ends_it_and_leaves_the_data_whole() {
        let siege = Siege::quiet().await;
        let before = descendants(std::process::id());
        let mut calls = Vec::new();
        let forms: [(&str, &[Transport]); 11] = [
            ("C-12", &[Transport::Stdio, Transport::Ws]),
            ("C-13", &[Transport::Stdio, Transport::Http, Transport::Sse, Transport::Ws]),
            ("C-14b", &[Transport::Ws]),
            ("C-15", &Transport::ALL),
            ("C-20", &[Transport::Stdio]),
            ("C-21", &[Transport::Stdio]),
            ("C-24", &[Transport::Stdio]),
            ("C-25", &[Transport::Http, Transport::Rest]),
            ("C-25d", &[Transport::Http, Transport::Rest]),
            ("C-27", &[Transport::Http, Transport::Sse]),
            ("C-28", &[Transport::Sse]),
        ];
        for (case, over) in forms {
            for over in over {
                let id = siege.hostile(find(case).unwrap(), *over, json!({})).await;
                let app = siege.app.clone();
                calls.push(tokio::spawn(async move { call(&app, &id, "bite", json!({}), None).await }));
            }
        }
        // As many calls as the silent ones let through are under way.
        let running = || async { siege.app.book.list().await.unwrap().iter().filter(|view| view.running > 0).count() };
        let begun = std::time::Instant::now();
        while running().await < 8 {
            assert!(begun.elapsed() < PATIENCE, "calls are under way");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let begun = std::time::Instant::now();
        siege.app.shutdown().await;
        // Ten seconds by its own timers; what is beyond is this machine's load.
        assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
        for ended in calls {
            let ended = tokio::time::timeout(PATIENCE, ended).await.expect("no call hangs after the end").unwrap();
            assert!(ended.is_err() || ended.unwrap().result.text().contains("bitten"));
        }
        until("no program is left", || {
            let left: Vec<_> = descendants(std::process::id()).difference(&before).copied().collect();
            // What a hostile program bred and nobody ended is no longer below us.
            let bred = bred();
            if left.is_empty() && bred.is_empty() { Ok(()) } else { Err(format!("{left:?} {bred:?}")) }
        })
        .await;
        let dir = siege.forget().await;
        let again = assembly::open(assembly::Options { config_dir: Some(dir.path().to_owned()), ..assembly::Options::default() }).await.unwrap();
        let verified = again.activity.verify().await.unwrap();
        assert!(verified.ok && verified.rows > 0, "{verified:?}");
        let cut = domain::audit::Filter { ending: Some("interrupted".into()), ..domain::audit::Filter::default() };
        let cut = again.activity.list(cut).await.unwrap();
        assert!(cut.is_empty(), "every call's end was written down: {cut:?}");
        again.shutdown().await;
    }
}

/// Two doors that look at the list of servers while others are being saved must not take one of them away.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn servers_that_are_saved_at_the_same_time_are_all_there() {
    let siege = Siege::quiet().await;
    let names: Vec<String> = (0..24).map(|nth| format!("s{nth:02}")).collect();
    let save = |name: &String| {
        let (app, def) = (siege.app.clone(), definition(name, "http", json!({ "base_url": "http://127.0.0.1:9" })));
        tokio::spawn(async move { app.book.save(def, &window()).await.unwrap().def.id })
    };
    let look = |_| {
        let app = siege.app.clone();
        tokio::spawn(async move { app.book.list().await.unwrap().len() })
    };
    let (saving, looking): (Vec<_>, Vec<_>) = (names.iter().map(save).collect(), (0..24).map(look).collect());
    let mut ids = Vec::new();
    for saved in saving {
        ids.push(saved.await.unwrap());
    }
    for id in &ids {
        siege.app.sessions.state(id).expect("what was saved is known");
    }
    for looked in looking {
        looked.await.unwrap();
    }
    for id in &ids {
        siege.app.sessions.state(id).expect("and stays known");
    }
    siege.app.shutdown().await;
}

/// C-42.
#[test]
fn an_address_in_disguise_is_shown_as_what_it_is_on_every_wire() {
    let local = Arc::new(toolbox::Toolbox::new(toolbox::Places::default()));
    let protocols = protocols::registry(local);
    let check = |id: &str, settings: Json| {
        let protocol: &Arc<dyn Protocol> = protocols.iter().find(|protocol| protocol.info().id.as_str() == id).unwrap();
        protocol.check(settings.as_object().cloned().unwrap_or_else(JsonMap::new))
    };
    for (host, shown) in [
        ("0x7f.1", Some("127.0.0.1")),
        ("127.1", Some("127.0.0.1")),
        ("2130706433", Some("127.0.0.1")),
        ("[::ffff:127.0.0.1]", Some("[::ffff:7f00:1]")),
        ("localhost.evil.test", Some("localhost.evil.test")),
        ("pаypal.test", Some("xn--pypal-4ve.test")),
        ("EVIL.test", Some("evil.test")),
        ("user:hunter2@evil.test", None),
        ("evil.test\r\nx-y: z", None),
    ] {
        for (id, settings) in [
            ("stream_http", json!({ "url": format!("http://{host}/mcp") })),
            ("sse", json!({ "url": format!("http://{host}/sse") })),
            ("websocket", json!({ "url": format!("ws://{host}/ws") })),
            ("http", json!({ "base_url": format!("http://{host}") })),
        ] {
            match (check(id, settings), shown) {
                (Ok(target), Some(shown)) => assert!(target.contains(shown), "{id}: {host} is shown as {target}"),
                (Err(fault), None) => {
                    assert_eq!(fault.code(), "settings", "{id}: {host:?}: {fault}");
                    assert!(!format!("{fault:?}").contains("hunter2"), "{fault:?}");
                }
                (Ok(target), None) => {
                    assert!(!target.contains(['\r', '\n', '@']) && !host.contains('@'), "{id}: {host:?} is taken as {target:?}");
                }
                (Err(fault), Some(_)) => panic!("{id}: {host}: {fault}"),
            }
        }
    }
}

/// C-63: fifty of two hundred hang. Eight are reached at a time, and nobody waits for them.
#[tokio::test(start_paused = true)]
async fn two_hundred_servers_are_reached_eight_at_a_time_and_the_app_is_usable_at_once() {
    let house = House::open().await;
    for n in 0..200 {
        let name = format!("s{n:03}");
        let mut def = house.stage.def(&name);
        def.start = StartRule::default();
        if n < 50 {
            *house.peer(&name).on_connect.lock().unwrap() = Act::Deaf;
        }
        house.save(def).await;
    }
    let reached = || (0..200).filter(|n| house.peer(&format!("s{n:03}")).connects() > 0).count();
    assert_eq!(reached(), 0, "saving a server reaches nobody");
    house.app.sessions.start_all();
    // The clock stands while there is anything to do: what is reached now is reached at the same time.
    for _ in 0..2_000 {
        tokio::task::yield_now().await;
    }
    assert_eq!(reached(), 8, "and those eight hang");
    assert_eq!(house.app.book.list().await.unwrap().len(), 200);
    house.call(&"id-s199".into(), "get-thing").await.unwrap();
    assert_eq!(reached(), 9, "whoever is asked for is reached out of turn");
    for n in 50..200 {
        house.becomes(&format!("id-s{n:03}").into(), "connected").await;
    }
}

/// C-64: a clock that goes back a day, and forward ten years, in the middle of everything.
#[tokio::test(start_paused = true)]
async fn a_clock_that_jumps_moves_neither_patience_nor_the_order_of_the_record() {
    const DAY: i64 = 86_400_000;
    let house = House::open().await;
    house.clock.advance(2 * DAY);
    let server = house.server("a").await;
    house.call(&server, "get-thing").await.unwrap();
    house.peer("a").when_called("update-thing", Act::Answer);
    for jump in [-DAY, 3650 * DAY] {
        // A call that takes twenty seconds of its thirty, and the clock jumps meanwhile.
        house.peer("a").when_called("get-thing", Act::Late(Duration::from_secs(20)));
        let calling = house.call(&server, "get-thing");
        tokio::pin!(calling);
        while house.peer("a").calls().len() % 2 == 1 {
            assert!(futures::poll!(&mut calling).is_pending());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        house.clock.advance(jump);
        calling.await.expect("patience is not counted on the wall");
        // And one that never ends does end.
        house.peer("a").when_called("get-thing", Act::Hang);
        let begun = tokio::time::Instant::now();
        let fault = house.app.desk.call(order(&server, "get-thing", &window())).await.unwrap_err();
        assert_eq!((fault.code.as_str(), begun.elapsed().as_secs()), ("timeout", 30));
        house.peer("a").when_called("get-thing", Act::Answer);
        house.call(&server, "get-thing").await.unwrap();
        house.call(&server, "get-thing").await.unwrap();
    }
    let rows = house.app.activity.list(domain::audit::Filter::default()).await.unwrap();
    assert!(rows.len() >= 9, "{}", rows.len());
    assert!(house.app.activity.verify().await.unwrap().ok);
    let seqs: Vec<u64> = house.audit.rows().iter().map(|row| row.seq).collect();
    assert!(seqs.is_sorted(), "the record is in the order in which things happened: {seqs:?}");
    assert_eq!(house.app.sessions.state(&server).unwrap().0.word(), "connected");
}

/// C-55: what a server says about keeping its list is not taken at its word.
#[test]
fn what_a_server_says_about_keeping_its_list_is_asked_again_all_the_same() {
    super::alone(module_path!(), "what_a_server_says_about_keeping_its_list_is_asked_again_all_the_same", || async {
        let siege = Siege::lay().await;
        for over in find("C-55").unwrap().over {
            let id = siege.hostile(find("C-55").unwrap(), *over, json!({})).await;
            siege.app.sessions.connect(&id, &window()).await.unwrap();
            let mut before = Vec::new();
            for _ in 0..3 {
                let tools = siege.app.tools.refresh(&id, &window()).await.unwrap();
                let names: Vec<_> = tools.iter().map(|view| view.tool.name.as_str().to_owned()).collect();
                assert_ne!(names, before, "{}: another list each time", over.name());
                before = names;
            }
            echo(&siege.app, &id, "x", None).await.unwrap();
            siege.app.book.remove(&id, &window()).await.unwrap();
        }
        siege.lift(0).await;
    });
}
