//! What is kept: SQLite, one file per table, migrations.
//!
//! Reads go through a pool; every write goes through one task that owns the only writing connection, so that rows of the audit log
//! stand in the order in which they were handed in. Several processes may open the same folder at once.

mod chain;
mod connect;
mod engine;
mod fault;
mod files;
mod head;
mod key;
mod open;
mod run;
mod schema;
mod snapshot;
mod table;
mod verify;
mod writer;

pub use engine::engine;
pub use fault::StoreFault;
pub use open::{Loss, Store};
