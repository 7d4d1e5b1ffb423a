//! rmcp's Streamable HTTP transport over our backend, with what came beside replies put back in.

use std::sync::Arc;

use async_trait::async_trait;
use domain::fault::ServerFault;
use rmcp::RoleClient;
use rmcp::model::{JsonRpcMessage, NumberOrString};
use rmcp::service::{RxJsonRpcMessage, TxJsonRpcMessage};
use rmcp::transport::Transport;
use rmcp::transport::streamable_http_client::{StreamableHttpClientTransport, StreamableHttpClientTransportConfig, StreamableHttpError};
use tokio::sync::mpsc;

use super::backend::{Backend, Line, unwrapped};
use crate::mcp::express::Express;
use crate::mcp::handshake::{Extras, Open};
use crate::mcp::intake::Intake;

/// Requests under way at once, as far as rmcp is concerned; the session's own limit is lower.
const IN_FLIGHT: usize = 256;

pub(crate) struct HttpTransport {
    inner: StreamableHttpClientTransport<Backend>,
    side: mpsc::Receiver<RxJsonRpcMessage<RoleClient>>,
    intake: Arc<Intake>,
}

impl Transport<RoleClient> for HttpTransport {
    type Error = ServerFault;

    fn send(&mut self, item: TxJsonRpcMessage<RoleClient>) -> impl Future<Output = Result<(), ServerFault>> + Send + 'static {
        let slot = self.intake.outgoing(&item);
        let id = match &item {
            JsonRpcMessage::Request(request) => match request.id {
                NumberOrString::Number(id) => Some(id),
                NumberOrString::String(_) => None,
            },
            _ => None,
        };
        let intake = self.intake.clone();
        let sending = self.inner.send(item);
        async move {
            sending.await.map_err(|error| {
                let fault = fault(error, &intake);
                if let Some(id) = id {
                    intake.forget(id);
                }
                if let Some(slot) = &slot {
                    slot.fail(fault.clone());
                }
                fault
            })
        }
    }

    async fn receive(&mut self) -> Option<RxJsonRpcMessage<RoleClient>> {
        tokio::select! {
            biased;
            () = self.intake.over.cancelled() => None,
            Some(message) = self.side.recv() => Some(message),
            message = self.inner.receive() => message.map(unwrapped),
        }
    }

    async fn close(&mut self) -> Result<(), ServerFault> {
        self.intake.over.cancel();
        let intake = self.intake.clone();
        self.inner.close().await.map_err(|error| fault(error, &intake))
    }
}

impl Drop for HttpTransport {
    fn drop(&mut self) {
        self.intake.over.cancel();
    }
}

fn fault(error: StreamableHttpError<ServerFault>, intake: &Intake) -> ServerFault {
    match error {
        StreamableHttpError::Client(fault) => fault,
        StreamableHttpError::SessionExpired => {
            ServerFault::ConnectionLost { reason: "the server forgot the session".into(), lost_result: false }
        }
        StreamableHttpError::SessionRecoveryTimeout => ServerFault::ConnectionLost {
            reason: "the server forgot the session, and a new one did not come about in time".into(),
            lost_result: true,
        },
        StreamableHttpError::ReinitializationFailed(error) => {
            ServerFault::Rpc { code: error.code.0.into(), message: error.message.into_owned(), data: error.data.unwrap_or_default() }
        }
        StreamableHttpError::UnexpectedServerResponse(rule) => ServerFault::ProtocolViolation { rule: rule.into_owned() },
        StreamableHttpError::TransportChannelClosed => intake.cause().unwrap_or_else(|| intake.lost(false)),
        other => ServerFault::ConnectionLost { reason: other.to_string(), lost_result: true },
    }
}

/// Opens connections for the handshake. A connection here is rmcp's worker; the sockets are pooled in the client.
pub(crate) struct Http(pub(crate) Arc<Line>);

#[async_trait]
impl Open for Http {
    type Transport = HttpTransport;
    const SAME_CONNECTION: bool = false;

    async fn open(&self, intake: &Arc<Intake>) -> Result<(HttpTransport, Extras), ServerFault> {
        let (side_in, side) = mpsc::channel(256);
        let backend = Backend::new(self.0.clone(), intake.clone(), side_in);
        let config = StreamableHttpClientTransportConfig::with_uri(self.0.url.as_str()).max_concurrent_requests(IN_FLIGHT);
        let express = Some(Arc::new(backend.clone()) as Arc<dyn Express>);
        let inner = StreamableHttpClientTransport::with_client(backend, config);
        Ok((HttpTransport { inner, side, intake: intake.clone() }, Extras { express, ..Extras::default() }))
    }

    fn fault(error: ServerFault) -> ServerFault {
        error
    }
}
