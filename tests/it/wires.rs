//! What the tests of the HTTP, SSE and WebSocket protocols have in common: sessions, calls, and servers that say exactly these bytes.

use std::sync::{Arc, Mutex};

use domain::Json;
use domain::fault::ServerFault;
use domain::protocol::{CallIo, CallReq, Protocol, Session};
use domain::tool::ToolResult;
use testkit::contract::PATIENCE;
use testkit::echo::EchoLocal;
use testkit::stage::{Stage, ticket};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

pub(crate) fn protocol(id: &str) -> Arc<dyn Protocol> {
    let all = protocols::registry(Arc::new(EchoLocal::default()));
    all.into_iter().find(|protocol| protocol.info().id.as_str() == id).unwrap_or_else(|| panic!("{id} is registered"))
}

/// Connects; a hang ends the test.
pub(crate) async fn connect(stage: &Stage, id: &str, settings: Json) -> Result<Arc<dyn Session>, ServerFault> {
    let settings = settings.as_object().cloned().unwrap_or_default();
    protocol(id).connect(stage.cx(id), settings).await
}

pub(crate) async fn session(stage: &Stage, id: &str, settings: Json) -> Arc<dyn Session> {
    match tokio::time::timeout(PATIENCE, connect(stage, id, settings.clone())).await {
        Ok(Ok(session)) => session,
        Ok(Err(fault)) => panic!("{id} {settings}: {fault:?}"),
        Err(late) => panic!("{id} {settings} hangs: {late}"),
    }
}

/// The fault of a connect that must not work.
pub(crate) async fn refused(id: &str, settings: Json) -> ServerFault {
    let stage = Stage::new(&[]);
    match tokio::time::timeout(PATIENCE, connect(&stage, id, settings.clone())).await {
        Ok(Ok(session)) => panic!("{id} {settings} connected: {:?}", session.facts()),
        Ok(Err(fault)) => fault,
        Err(late) => panic!("{id} {settings} hangs: {late}"),
    }
}

pub(crate) async fn call(session: &dyn Session, tool: &str, args: Json) -> Result<ToolResult, ServerFault> {
    let ticket = ticket(tool).await;
    let req = CallReq { tool: tool.into(), args: args.as_object().cloned().unwrap_or_default() };
    let calling = session.call(&ticket, req, CallIo::quiet());
    tokio::time::timeout(PATIENCE, calling).await.unwrap_or_else(|_| panic!("{tool} never came back"))
}

/// A server of bytes: each connection's first request is kept and handed to a script.
pub(crate) struct Raw {
    pub(crate) port: u16,
    pub(crate) requests: Arc<Mutex<Vec<String>>>,
}

impl Raw {
    pub(crate) async fn start<F, W>(script: F) -> Self
    where
        F: Fn(TcpStream, String) -> W + Send + Sync + 'static,
        W: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let requests: Arc<Mutex<Vec<String>>> = Arc::default();
        let (seen, script) = (Arc::clone(&requests), Arc::new(script));
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let (seen, script) = (Arc::clone(&seen), Arc::clone(&script));
                tokio::spawn(async move {
                    if let Some(request) = head(&mut stream).await {
                        seen.lock().unwrap().push(request.clone());
                        script(stream, request).await;
                    }
                });
            }
        });
        Self { port, requests }
    }

    /// A server that answers every connection's first request with these bytes and closes.
    pub(crate) async fn saying(bytes: impl Into<Vec<u8>>) -> Self {
        let bytes: Arc<Vec<u8>> = Arc::new(bytes.into());
        Self::start(move |mut stream, _| {
            let bytes = Arc::clone(&bytes);
            async move {
                let _ = stream.write_all(&bytes).await;
                let _ = stream.shutdown().await;
            }
        })
        .await
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    pub(crate) fn count(&self, start: &str) -> usize {
        self.requests.lock().unwrap().iter().filter(|request| request.starts_with(start)).count()
    }
}

/// The head of a request, and the body that its length announces.
async fn head(stream: &mut TcpStream) -> Option<String> {
    let mut bytes = Vec::new();
    loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            let text = String::from_utf8_lossy(&bytes[..end]).to_lowercase();
            let length = text.lines().find_map(|line| line.strip_prefix("content-length: ")?.trim().parse::<usize>().ok()).unwrap_or(0);
            if bytes.len() >= end + 4 + length {
                return Some(String::from_utf8_lossy(&bytes).into_owned());
            }
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
}

/// An HTTP/1.1 answer with a length.
pub(crate) fn page(status: &str, headers: &str, body: impl AsRef<[u8]>) -> Vec<u8> {
    let body = body.as_ref();
    let mut out = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n{headers}\r\n", body.len()).into_bytes();
    out.extend_from_slice(body);
    out
}
