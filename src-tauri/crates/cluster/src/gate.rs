//! What every request to a cluster passes on its way out, and every answer on its way back.
//!
//! **Invariant:** on a cluster that is read only, a request that could change something is refused here and reaches no socket.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use http::{Method, Request, Response, Uri};
use http_body_util::combinators::MapErr;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use kube::client::{Body, DynBody};
use tower::{BoxError, Layer, Service};

/// Most that one list may be, decompressed.
pub(crate) const LIST: usize = 64 * 1024 * 1024;
/// Most that one object may be, decompressed.
pub(crate) const OBJECT: usize = 8 * 1024 * 1024;

/// Why a request was not sent.
#[derive(Debug, thiserror::Error)]
#[error("the cluster is read only")]
pub(crate) struct ReadOnly;

/// Why an answer was not read to its end.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("the answer is larger than {limit} bytes")]
pub(crate) struct TooLarge {
    pub(crate) limit: usize,
}

/// Puts the gate in front of a client.
#[derive(Debug, Clone, Copy)]
pub(crate) struct GateLayer {
    pub(crate) read_only: bool,
}

impl<S> Layer<S> for GateLayer {
    type Service = Gate<S>;

    fn layer(&self, inner: S) -> Gate<S> {
        Gate { inner, read_only: self.read_only }
    }
}

/// The gate.
#[derive(Debug)]
pub(crate) struct Gate<S> {
    inner: S,
    read_only: bool,
}

type Counted = MapErr<Limited<Box<DynBody>>, Box<dyn FnMut(BoxError) -> BoxError + Send>>;

impl<S> Service<Request<Body>> for Gate<S>
where
    S: Service<Request<Body>, Response = Response<Box<DynBody>>, Error = BoxError>,
    S::Future: Send + 'static,
{
    type Response = Response<Counted>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        if self.read_only && changes(request.method(), request.uri()) {
            return Box::pin(std::future::ready(Err(ReadOnly.into())));
        }
        let limit = limit(request.uri());
        let answer = self.inner.call(request);
        Box::pin(async move {
            Ok(answer.await?.map(|body| {
                let counted: Box<dyn FnMut(BoxError) -> BoxError + Send> =
                    Box::new(move |fault| if fault.is::<LengthLimitError>() { TooLarge { limit }.into() } else { fault });
                Limited::new(body, limit).map_err(counted)
            }))
        })
    }
}

/// The parts of a path below the API's version: `pods`, `web`, `log`.
fn below_version(path: &str) -> Vec<&str> {
    let mut parts = path.trim_matches('/').split('/');
    let rest: Vec<&str> = match parts.next() {
        Some("api") => parts.skip(1).collect(),
        Some("apis") => parts.skip(2).collect(),
        _ => return Vec::new(),
    };
    match rest.as_slice() {
        ["namespaces", _, below @ ..] if !below.is_empty() => below.to_vec(),
        _ => rest,
    }
}

/// Whether a request could change something. What is not known to be harmless could.
fn changes(method: &Method, uri: &Uri) -> bool {
    let parts = below_version(uri.path());
    // Words into a container and through a tunnel, whatever the method says.
    let reaches_in = matches!(parts.get(2), Some(&("exec" | "attach" | "portforward" | "proxy"))) || parts.first() == Some(&"proxy");
    if matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS) {
        return reaches_in;
    }
    // Questions that are asked by POST.
    let asks = matches!(
        parts.as_slice(),
        ["selfsubjectreviews"
            | "selfsubjectaccessreviews"
            | "selfsubjectrulesreviews"
            | "subjectaccessreviews"
            | "localsubjectaccessreviews"]
    ) && (uri.path().starts_with("/apis/authorization.k8s.io/") || uri.path().starts_with("/apis/authentication.k8s.io/"));
    !(*method == Method::POST && asks)
}

/// How large the answer may be. A stream has no end, so that nothing is counted there.
fn limit(uri: &Uri) -> usize {
    let flag = |name: &str| {
        uri.query().unwrap_or_default().split('&').any(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, "true"));
            key == name && matches!(value, "true" | "1" | "")
        })
    };
    let parts = below_version(uri.path());
    match parts.as_slice() {
        _ if flag("watch") => usize::MAX,
        [_, _, "log"] if flag("follow") => usize::MAX,
        [_] | [_, _, "log"] => LIST,
        // The description of the whole API.
        [] if uri.path().starts_with("/openapi/") => LIST,
        _ => OBJECT,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_change_something_is_told_from_what_only_looks() {
        for (method, path, expected) in [
            ("GET", "/api/v1/pods", false),
            ("GET", "/version", false),
            ("GET", "/api/v1/namespaces/proxy", false),
            ("GET", "/api/v1/namespaces/a/pods/exec", false),
            ("POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", false),
            ("POST", "/apis/authorization.k8s.io/v1/namespaces/a/localsubjectaccessreviews", false),
            ("POST", "/apis/evil.example/v1/selfsubjectreviews", true),
            ("POST", "/api/v1/namespaces/a/pods", true),
            ("POST", "/api/v1/namespaces/a/pods?dryRun=All", true),
            ("PUT", "/api/v1/namespaces/a", true),
            ("PATCH", "/apis/apps/v1/namespaces/a/deployments/b", true),
            ("DELETE", "/api/v1/namespaces/a/pods", true),
            ("DELETE", "/apis/authentication.k8s.io/v1/selfsubjectreviews", true),
            ("GET", "/api/v1/namespaces/a/pods/b/exec?command=sh", true),
            ("GET", "/api/v1/namespaces/a/pods/b/attach", true),
            ("GET", "/api/v1/namespaces/a/pods/b/portforward", true),
            ("GET", "/api/v1/namespaces/a/services/b/proxy/delete", true),
            ("GET", "/api/v1/nodes/b/proxy/run", true),
            ("BREW", "/api/v1/pods", true),
        ] {
            let method = Method::from_bytes(method.as_bytes()).unwrap();
            assert_eq!(changes(&method, &path.parse().unwrap()), expected, "{method} {path}");
        }
    }

    #[test]
    fn a_list_may_be_larger_than_an_object_and_a_stream_is_not_counted() {
        for (path, expected) in [
            ("/api/v1/pods", LIST),
            ("/api/v1/namespaces", LIST),
            ("/api/v1/namespaces/a/pods?limit=500", LIST),
            ("/apis/apps/v1/deployments?watch=false", LIST),
            ("/api/v1/namespaces/a", OBJECT),
            ("/api/v1/namespaces/a/pods/b", OBJECT),
            ("/version", OBJECT),
            ("/apis", OBJECT),
            ("/api/v1/namespaces/a/pods/b/log", LIST),
            ("/api/v1/namespaces/a/pods/b/log?follow=true", usize::MAX),
            ("/api/v1/pods?watch=1", usize::MAX),
            ("/api/v1/pods?limit=1&watch", usize::MAX),
            ("/openapi/v3/apis/apps/v1", LIST),
        ] {
            assert_eq!(limit(&path.parse().unwrap()), expected, "{path}");
        }
    }
}
