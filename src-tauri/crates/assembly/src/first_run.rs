//! What is there from the start: the built-in filesystem server on a scratch folder, and the built-in tools of clusters.

use domain::fault::Fault;
use domain::id::{Clock, ServerId};
use domain::ports::{Servers, Settings};
use domain::server::{ServerDef, StartRule, Trust};
use domain::{Json, JsonMap};

/// The built-in servers: module and name.
const BUILT_IN: [&str; 2] = [domain::local::DEFAULT_MODULE, toolbox::kubernetes::ID];

/// Puts the built-in servers among the saved ones, the first time only: who removes one does not get it back.
pub(crate) async fn seed(servers: &dyn Servers, settings: &dyn Settings, clock: &dyn Clock) -> Result<(), Fault> {
    for module in BUILT_IN {
        let seeded = format!("seeded:{module}");
        if settings.get(&seeded).await?.is_none() {
            put(module, servers, clock).await?;
            settings.set(&seeded, &Json::Bool(true)).await?;
        }
    }
    Ok(())
}

async fn put(module: &str, servers: &dyn Servers, clock: &dyn Clock) -> Result<(), Fault> {
    let now = clock.now();
    let def = ServerDef {
        id: ServerId::new(format!("built-in-{module}")),
        name: module.to_owned(),
        protocol: "local".into(),
        enabled: true,
        // No folder is named: the files' tools then work in the scratch folder of this installation, wherever that is.
        settings: JsonMap::from_iter([("module".to_owned(), Json::from(module))]),
        extra: JsonMap::new(),
        start: StartRule::default(),
        origin: "built-in".into(),
        updated_at: now,
    };
    let trust = Trust { definition: def.fingerprint(), accepted_at: now, ..Trust::default() };
    match servers.put(&def).await {
        Ok(()) => servers.set_trust(&def.id, &trust).await,
        // Somebody has a server of that name already; it is theirs.
        Err(fault) if fault.code == "name_taken" => Ok(()),
        Err(fault) => Err(fault),
    }
}
