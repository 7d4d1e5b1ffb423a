//! Reaching into what runs: commands, tunnels to ports, single values of Secrets.
//!
//! **Invariant:** what goes through here is never looked at and never written down; whoever reads slowly slows the other end, not this process.

mod exec;
mod forward;
mod pods;
mod pump;
mod secret;
mod socket;

use std::sync::Arc;

use async_trait::async_trait;
use domain::cluster::ClusterDef;
use domain::fault::Fault;
use domain::inside::{ExecInput, ExecOrder, ExecSink, ForwardOrder, ForwardView, Inside};
use domain::vault::SecretBytes;
use tokio::sync::{mpsc, watch};

use crate::look::{At, ClientShown, Look};
use forward::Forwards;

/// [`Inside`] on the real thing.
#[derive(Debug)]
pub struct Insides {
    look: Arc<Look>,
    forwards: Forwards,
}

impl Insides {
    /// Over what looks at the same clusters.
    pub fn new(look: Arc<Look>) -> Self {
        Self { forwards: Forwards::new(look.clone()), look }
    }
}

#[async_trait]
impl Inside for Insides {
    async fn exec(
        &self,
        cluster: &ClusterDef,
        order: &ExecOrder,
        input: mpsc::Receiver<ExecInput>,
        sink: &dyn ExecSink,
    ) -> Result<i32, Fault> {
        let client = ClientShown(self.look.reach.client(cluster).await?);
        exec::exec(&self.look, &At { cluster, client: &client }, order, input, sink).await
    }

    async fn forward(&self, cluster: &ClusterDef, order: &ForwardOrder) -> Result<ForwardView, Fault> {
        self.forwards.begin(cluster, order).await
    }

    fn forwards(&self) -> Vec<ForwardView> {
        self.forwards.all()
    }

    fn stop_forward(&self, id: &str) -> Option<ForwardView> {
        self.forwards.stop(id)
    }

    fn forwards_changed(&self) -> watch::Receiver<u64> {
        self.forwards.changed()
    }

    async fn reveal(&self, cluster: &ClusterDef, namespace: Option<&str>, name: &str, key: &str) -> Result<SecretBytes, Fault> {
        let client = ClientShown(self.look.reach.client(cluster).await?);
        secret::reveal(&self.look, &At { cluster, client: &client }, namespace, name, key).await
    }
}
