//! A listener on the loopback that a test can cut, stop and start again on the same port.
//!
//! **Invariant:** every accepted connection has TCP_NODELAY, and none outlives [`Web::stop`].

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use axum::Router;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

/// A web server of a test.
#[derive(Debug)]
pub struct Web {
    addr: SocketAddr,
    app: Mutex<Router>,
    running: Mutex<Option<Running>>,
    counts: Arc<Counts>,
}

#[derive(Debug)]
struct Running {
    /// Ends the listener and every connection.
    stop: CancellationToken,
    /// Ends the connections that are open now; renewed at each cut.
    cut: Arc<Mutex<CancellationToken>>,
    task: JoinHandle<()>,
}

#[derive(Debug, Default)]
struct Counts {
    accepted: AtomicUsize,
    open: AtomicUsize,
}

impl Web {
    /// Serves on a free port of 127.0.0.1.
    pub async fn start(app: Router) -> Self {
        Self::start_on(([127, 0, 0, 1], 0).into(), app).await
    }

    /// Serves on a given address.
    pub async fn start_on(addr: SocketAddr, app: Router) -> Self {
        let listener = TcpListener::bind(addr).await.expect("a loopback port can be bound");
        let addr = listener.local_addr().expect("a bound listener has an address");
        let web = Self { addr, app: Mutex::new(app), running: Mutex::new(None), counts: Arc::default() };
        web.run(listener);
        web
    }

    fn run(&self, listener: TcpListener) {
        let stop = CancellationToken::new();
        let cut = Arc::new(Mutex::new(stop.child_token()));
        let edge = Edge { listener, cut: Arc::clone(&cut), counts: Arc::clone(&self.counts) };
        let app = self.app.lock().unwrap().clone();
        let ended = stop.clone();
        let task = tokio::spawn(async move {
            // The listener is dropped with this future, so that the port is free as soon as the task has ended.
            tokio::select! {
                () = ended.cancelled() => {}
                _ = axum::serve(edge, app).into_future() => {}
            }
        });
        *self.running.lock().unwrap() = Some(Running { stop, cut, task });
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The port it listens on.
    pub fn port(&self) -> u16 {
        self.addr.port()
    }

    /// `http://127.0.0.1:PORT` and a path.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.addr)
    }

    /// `ws://127.0.0.1:PORT` and a path.
    pub fn ws_url(&self, path: &str) -> String {
        format!("ws://{}{path}", self.addr)
    }

    /// How many connections were accepted so far.
    pub fn accepted(&self) -> usize {
        self.counts.accepted.load(Ordering::SeqCst)
    }

    /// How many connections are open now.
    pub fn open(&self) -> usize {
        self.counts.open.load(Ordering::SeqCst)
    }

    /// Breaks every open connection and goes on listening: what a proxy's idle timer does.
    pub fn cut(&self) {
        if let Some(running) = &*self.running.lock().unwrap() {
            let mut cut = running.cut.lock().unwrap();
            cut.cancel();
            *cut = running.stop.child_token();
        }
    }

    /// Stops listening and breaks every connection: what a crash does. The port stays ours to [`Web::restart`] on.
    pub async fn stop(&self) {
        let running = self.running.lock().unwrap().take();
        if let Some(running) = running {
            running.stop.cancel();
            let _ = running.task.await;
        }
    }

    /// Serves again on the same port: the same routes with the state that they have.
    pub async fn restart(&self) {
        self.stop().await;
        let mut tries = 0;
        let listener = loop {
            match TcpListener::bind(self.addr).await {
                Ok(listener) => break listener,
                Err(fault) if tries < 200 => {
                    // Another process may hold the port for a moment as the source port of its own connection.
                    tries += 1;
                    let _ = fault;
                    tokio::time::sleep(std::time::Duration::from_millis(25)).await;
                }
                Err(fault) => panic!("port {} cannot be bound again: {fault}", self.addr.port()),
            }
        };
        self.run(listener);
    }

    /// Serves other routes from the next start on.
    pub fn replace(&self, app: Router) {
        *self.app.lock().unwrap() = app;
    }
}

impl Drop for Web {
    fn drop(&mut self) {
        if let Ok(mut running) = self.running.lock()
            && let Some(running) = running.take()
        {
            running.stop.cancel();
        }
    }
}

/// The listening side: hands out connections that can be cut.
struct Edge {
    listener: TcpListener,
    cut: Arc<Mutex<CancellationToken>>,
    counts: Arc<Counts>,
}

impl axum::serve::Listener for Edge {
    type Io = CutStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            match self.listener.accept().await {
                Ok((stream, addr)) => {
                    let _ = stream.set_nodelay(true);
                    self.counts.accepted.fetch_add(1, Ordering::SeqCst);
                    self.counts.open.fetch_add(1, Ordering::SeqCst);
                    let cut = Box::pin(self.cut.lock().unwrap().clone().cancelled_owned());
                    return (CutStream { stream: Some(stream), cut, counts: Arc::clone(&self.counts) }, addr);
                }
                Err(_) => tokio::time::sleep(std::time::Duration::from_millis(20)).await,
            }
        }
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        self.listener.local_addr()
    }
}

/// A connection that fails once its token fires.
struct CutStream {
    stream: Option<TcpStream>,
    cut: Pin<Box<WaitForCancellationFutureOwned>>,
    counts: Arc<Counts>,
}

impl CutStream {
    fn live(&mut self, cx: &mut Context<'_>) -> io::Result<Pin<&mut TcpStream>> {
        if self.cut.as_mut().poll(cx).is_ready() {
            self.stream = None;
        }
        match &mut self.stream {
            Some(stream) => Ok(Pin::new(stream)),
            None => Err(io::ErrorKind::ConnectionReset.into()),
        }
    }
}

impl Drop for CutStream {
    fn drop(&mut self) {
        self.counts.open.fetch_sub(1, Ordering::SeqCst);
    }
}

impl AsyncRead for CutStream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.live(cx) {
            Ok(stream) => stream.poll_read(cx, buf),
            Err(fault) => Poll::Ready(Err(fault)),
        }
    }
}

impl AsyncWrite for CutStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        match self.live(cx) {
            Ok(stream) => stream.poll_write(cx, buf),
            Err(fault) => Poll::Ready(Err(fault)),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.live(cx) {
            Ok(stream) => stream.poll_flush(cx),
            Err(fault) => Poll::Ready(Err(fault)),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.live(cx) {
            Ok(stream) => stream.poll_shutdown(cx),
            Err(_) => Poll::Ready(Ok(())),
        }
    }

    fn poll_write_vectored(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bufs: &[io::IoSlice<'_>]) -> Poll<io::Result<usize>> {
        match self.live(cx) {
            Ok(stream) => stream.poll_write_vectored(cx, bufs),
            Err(fault) => Poll::Ready(Err(fault)),
        }
    }

    fn is_write_vectored(&self) -> bool {
        true
    }
}

/// An event-stream body fed from a channel: `event: NAME` and one `data:` line a frame. The stream ends when the sender is dropped.
pub fn event_stream(frames: tokio::sync::mpsc::UnboundedReceiver<bytes::Bytes>) -> axum::response::Response {
    let body =
        futures::stream::unfold(frames, |mut frames| async move { frames.recv().await.map(|frame| (Ok::<_, io::Error>(frame), frames)) });
    axum::response::Response::builder()
        .header("content-type", "text/event-stream; charset=utf-8")
        .header("cache-control", "no-cache")
        .body(axum::body::Body::from_stream(body))
        .expect("the headers are fixed text")
}

/// Passes frames on until there are no more, or nobody takes them.
pub(crate) async fn forward(
    mut frames: tokio::sync::mpsc::UnboundedReceiver<bytes::Bytes>,
    to: tokio::sync::mpsc::UnboundedSender<bytes::Bytes>,
) {
    loop {
        let frame = tokio::select! {
            frame = frames.recv() => frame,
            () = to.closed() => None,
        };
        match frame {
            Some(frame) => {
                if to.send(frame).is_err() {
                    return;
                }
            }
            None => return,
        }
    }
}

/// One frame of an event stream.
pub fn frame(event: &str, data: &str) -> bytes::Bytes {
    format!("event: {event}\ndata: {data}\n\n").into()
}

/// Lets only requests pass that carry this header with this value; others get 401, as a server with a token answers.
pub fn guarded(app: Router, header: &'static str, value: &'static str) -> Router {
    app.layer(axum::middleware::from_fn(move |request: axum::extract::Request, next: axum::middleware::Next| async move {
        if request.headers().get(header).is_some_and(|given| given == value) {
            next.run(request).await
        } else {
            let mut refusal = axum::response::Response::new(axum::body::Body::from("credentials, please"));
            *refusal.status_mut() = http::StatusCode::UNAUTHORIZED;
            refusal.headers_mut().insert("www-authenticate", http::HeaderValue::from_static("Bearer realm=\"peer\""));
            refusal
        }
    }))
}

/// Keeps the head of every request that arrives, so that a test can look at what was really sent.
#[derive(Debug, Clone, Default)]
pub struct Seen(Arc<Mutex<Vec<SeenRequest>>>);

/// The head of one request.
#[derive(Debug, Clone)]
pub struct SeenRequest {
    /// `GET`, `POST`…
    pub method: String,
    /// Path and query as they were on the wire, percent signs included.
    pub target: String,
    /// All headers.
    pub headers: http::HeaderMap,
}

impl Seen {
    /// Every request so far, oldest first.
    pub fn all(&self) -> Vec<SeenRequest> {
        self.0.lock().unwrap().clone()
    }

    /// How many requests have this method and a target that starts so.
    pub fn count(&self, method: &str, target: &str) -> usize {
        self.0.lock().unwrap().iter().filter(|seen| seen.method == method && seen.target.starts_with(target)).count()
    }

    /// The routes with this record in front of them.
    pub fn over(&self, app: Router) -> Router {
        let record = Arc::clone(&self.0);
        app.layer(axum::middleware::from_fn(move |request: axum::extract::Request, next: axum::middleware::Next| {
            let mut record = record.lock().unwrap();
            if record.len() < 10_000 {
                record.push(SeenRequest {
                    method: request.method().to_string(),
                    target: request.uri().path_and_query().map(ToString::to_string).unwrap_or_default(),
                    headers: request.headers().clone(),
                });
            }
            drop(record);
            next.run(request)
        }))
    }
}
