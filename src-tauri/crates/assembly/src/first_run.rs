//! What is there from the start: the built-in filesystem server on a scratch folder.

use domain::fault::Fault;
use domain::id::{Clock, ServerId};
use domain::ports::{Servers, Settings};
use domain::server::{ServerDef, StartRule, Trust};
use domain::{Json, JsonMap};

/// Says that it was put there once; who removes it does not get it back.
const SEEDED: &str = "seeded:filesystem";
const ID: &str = "built-in-filesystem";

/// Puts the built-in server among the saved ones, the first time only.
pub(crate) async fn seed(servers: &dyn Servers, settings: &dyn Settings, clock: &dyn Clock) -> Result<(), Fault> {
    if settings.get(SEEDED).await?.is_some() {
        return Ok(());
    }
    let now = clock.now();
    let def = ServerDef {
        id: ServerId::from(ID),
        name: "filesystem".into(),
        protocol: "local".into(),
        enabled: true,
        // No folder is named: the tools then work in the scratch folder of this installation, wherever that is.
        settings: JsonMap::from_iter([("module".to_owned(), Json::from(domain::local::DEFAULT_MODULE))]),
        extra: JsonMap::new(),
        start: StartRule::default(),
        origin: "built-in".into(),
        updated_at: now,
    };
    let trust = Trust { definition: def.fingerprint(), accepted_at: now, ..Trust::default() };
    match servers.put(&def).await {
        Ok(()) => servers.set_trust(&def.id, &trust).await?,
        // Somebody has a server of that name already; it is theirs.
        Err(fault) if fault.code == "name_taken" => {}
        Err(fault) => return Err(fault),
    }
    settings.set(SEEDED, &Json::Bool(true)).await
}
