//! Opening the store: what is found in the folder, what is made of it, and what was lost.
//!
//! **Invariant:** a store that was there once is never taken for a first run, and nothing that cannot be read is written over.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use domain::audit::Durability;
use domain::fault::Fault;
use domain::id::{Clock, Millis};
use domain::ports::Kept;
use domain::text::Text;
use serde_json::json;
use sqlx::SqliteConnection;
use sqlx::sqlite::SqlitePool;
use tokio_util::task::TaskTracker;

use crate::chain::Sealer;
use crate::connect;
use crate::fault::StoreFault;
use crate::files::{self, Found, Marker};
use crate::key::AuditKey;
use crate::schema::{self, Need};
use crate::writer::{self, Hand, Place, Writer};
use crate::{run, snapshot};

/// A database up to this size is checked while somebody waits for the window.
const CHECK_AT_ONCE: u64 = 256 * 1024 * 1024;

/// Everything that is kept. Clones are the same store.
#[derive(Debug, Clone)]
pub struct Store(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    dir: PathBuf,
    clock: Arc<dyn Clock>,
    sealer: Sealer,
    readers: SqlitePool,
    writer: Writer,
    tasks: TaskTracker,
    loss: Option<Loss>,
    interrupted: u64,
}

/// What could not be read and what took its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loss {
    /// Why the file could not be used.
    pub reason: String,
    /// Where it lies now.
    pub moved_to: PathBuf,
    /// The copy that took its place; without one the store began anew.
    pub restored_from: Option<PathBuf>,
}

impl Loss {
    /// What a person must be told.
    pub fn text(&self) -> Text {
        let (reason, moved) = (&self.reason, self.moved_to.display());
        match &self.restored_from {
            Some(copy) => Text::new(
                format!(
                    "The store could not be read ({reason}). It was moved to {moved}, and the copy {} took its place: what was saved after that copy is missing.",
                    copy.display()
                ),
                format!("存储无法读取（{reason}）。已将其移至 {moved}，并用副本 {} 替换：该副本之后保存的内容已缺失。", copy.display()),
            ),
            None => Text::new(
                format!(
                    "The store could not be read ({reason}). It was moved to {moved}. There was no good copy, so servers, rules, settings, the activity log and past calls start empty."
                ),
                format!(
                    "存储无法读取（{reason}）。已将其移至 {moved}。没有完好的副本，因此服务器、规则、设置、活动日志和历史调用均从空白开始。"
                ),
            ),
        }
    }
}

impl Loss {
    /// What a person can do about it.
    pub fn hint(&self) -> Text {
        match &self.restored_from {
            Some(_) => Text::new(
                "Look through your servers, rules and settings and repeat what is missing. The old file stays where it was moved, for whoever can repair it.",
                "请检查服务器、规则和设置，并补上缺失的内容。旧文件会留在移动后的位置，以便日后修复。",
            ),
            None => Text::new(
                "Import your servers again from an export or from an editor's file. If you have a backup of the store, end Pilothouse and put it where the store was. The old file stays where it was moved.",
                "请从导出文件或编辑器的配置文件重新导入服务器。如果您有存储的备份，请退出 Pilothouse 并将其放回原处。旧文件会留在移动后的位置。",
            ),
        }
    }
}

impl Store {
    /// Opens the store in this folder, or makes it. Migrates it after taking a copy, sets a damaged one aside, and closes the calls that a
    /// process that is gone left open. Must be called within a Tokio runtime.
    pub async fn open(dir: &Path, clock: Arc<dyn Clock>) -> Result<Self, Fault> {
        Ok(Opening { dir: dir.to_owned(), clock }.run().await?)
    }

    /// What was lost, when the store could not be read at this opening.
    pub fn loss(&self) -> Option<&Loss> {
        self.0.loss.as_ref()
    }

    /// How many calls were marked as interrupted at this opening.
    pub fn interrupted(&self) -> u64 {
        self.0.interrupted
    }

    /// Writes everything that waits and closes the files. Afterwards every write is refused.
    pub async fn close(&self) -> Result<(), Fault> {
        let closed = self.0.writer.close().await;
        self.0.tasks.close();
        self.0.tasks.wait().await;
        self.0.readers.close().await;
        closed
    }

    pub(crate) fn dir(&self) -> &Path {
        &self.0.dir
    }

    pub(crate) fn now(&self) -> Millis {
        self.0.clock.now()
    }

    pub(crate) fn sealer(&self) -> &Sealer {
        &self.0.sealer
    }

    pub(crate) fn readers(&self) -> &SqlitePool {
        &self.0.readers
    }

    pub(crate) fn writer(&self) -> &Writer {
        &self.0.writer
    }
}

#[async_trait]
impl Kept for Store {
    async fn close(&self) -> Result<(), Fault> {
        Self::close(self).await
    }
}

struct Opening {
    dir: PathBuf,
    clock: Arc<dyn Clock>,
}

impl Opening {
    async fn run(self) -> Result<Store, StoreFault> {
        files::make_dir(&self.dir)?;
        let dir = self.dir.clone();
        let lock =
            tokio::task::spawn_blocking(move || files::lock_opening(&dir, connect::PATIENCE)).await.map_err(|_| StoreFault::Closed)??;
        if let Some(kind) = files::network_filesystem(&self.dir) {
            tracing::warn!(dir = %self.dir.display(), kind, "the store lies on a network file system, where two programs at once may damage it");
        }
        let sealer = Sealer::new(AuditKey::of_folder(&self.dir)?);
        let (conn, loss) = self.usable().await?;

        let run = uuid::Uuid::new_v4().simple().to_string();
        let tasks = TaskTracker::new();
        let place = Place {
            dir: self.dir.clone(),
            clock: Arc::clone(&self.clock),
            sealer: sealer.clone(),
            run: run.get(..16).unwrap_or(&run).into(),
            tasks: tasks.clone(),
        };
        let (conn, interrupted) = self.tidy(place.clone(), conn).await?;
        drop(lock);

        let readers = connect::readers(&self.dir.join(files::DB));
        let (writer, task) = Writer::start(place, conn);
        tasks.spawn(task);
        if let Some(loss) = &loss {
            tracing::error!(loss = %loss.text().en, "the store was lost");
            let detail = json!({ "reason": loss.reason, "movedTo": loss.moved_to, "restoredFrom": loss.restored_from });
            let note = writer::store_note(&*self.clock, "store_lost", detail);
            if let Err(fault) = writer.append(note, Durability::Queued).await {
                tracing::error!(%fault, "the loss was not noted in the audit log");
            }
        }
        Ok(Store(Arc::new(Inner { dir: self.dir, clock: self.clock, sealer, readers, writer, tasks, loss, interrupted })))
    }

    /// A connection to a database whose schema is current, and what had to be given up for it.
    async fn usable(&self) -> Result<(SqliteConnection, Option<Loss>), StoreFault> {
        let marker = Marker::read(&self.dir)?;
        let found = files::look(&self.dir)?;
        if found == Found::Nothing && marker.is_some() {
            let loss = self.recover("the file is empty or gone".into()).await?;
            return Ok((self.connect().await?, Some(loss)));
        }
        let mut connected = self.connect().await;
        // Even opening needs a little room beside the database.
        if matches!(connected, Err(StoreFault::Full { .. } | StoreFault::Sql { .. })) && files::drop_ballast(&self.dir) {
            connected = self.connect().await;
        }
        match connected {
            Ok(conn) => Ok((conn, None)),
            Err(StoreFault::Damaged { reason }) => {
                let loss = self.recover(reason).await?;
                Ok((self.connect().await?, Some(loss)))
            }
            Err(fault) => Err(fault),
        }
    }

    /// Sets the database aside and puts the newest good copy in its place.
    async fn recover(&self, reason: String) -> Result<Loss, StoreFault> {
        if run::any_lives(&self.dir) {
            // It writes to the file at this moment; moving it away would make two stores of one.
            return Err(StoreFault::Damaged { reason: format!("{reason}; another Pilothouse still uses it") });
        }
        let moved_to = files::set_aside(&self.dir, self.clock.now())?;
        let restored_from = snapshot::restore(&self.dir).await?;
        Ok(Loss { reason, moved_to, restored_from })
    }

    async fn connect(&self) -> Result<SqliteConnection, StoreFault> {
        let path = self.dir.join(files::DB);
        files::touch_private(&path)?;
        let mut conn = connect::writer(&path).await.map_err(|fault| StoreFault::sql("open its file", fault))?;
        match self.bring_up_to_date(&mut conn, &path).await {
            Ok(()) => Ok(conn),
            Err(fault) => {
                connect::close(conn).await;
                Err(fault)
            }
        }
    }

    async fn bring_up_to_date(&self, conn: &mut SqliteConnection, path: &Path) -> Result<(), StoreFault> {
        let need = schema::check(conn, schema::STEPS).await?;
        if run::unclean(&self.dir) && std::fs::metadata(path).is_ok_and(|meta| meta.len() <= CHECK_AT_ONCE) {
            connect::quick_check(conn).await?;
        }
        let Need::Steps(from) = need else { return Ok(()) };
        if from > 0 {
            let copy = snapshot::take(&self.dir, conn, self.clock.now()).await?;
            tracing::info!(path = %copy.display(), "took a copy before migrating");
        }
        schema::migrate(conn, schema::STEPS, from, self.clock.now()).await?;
        let marker = Marker { store_id: uuid::Uuid::new_v4().simple().to_string() };
        sqlx::query("INSERT INTO meta (key, value) VALUES ('store_id', ?) ON CONFLICT DO NOTHING")
            .bind(&marker.store_id)
            .execute(&mut *conn)
            .await
            .map_err(|fault| StoreFault::sql("write its own label", fault))?;
        Ok(())
    }

    /// What is done under the opening lock once the database is usable: the marker, temporary files, calls that nobody will finish.
    async fn tidy(&self, place: Place, mut conn: SqliteConnection) -> Result<(SqliteConnection, u64), StoreFault> {
        if Marker::read(&self.dir)?.is_none() {
            let store_id: Option<String> = sqlx::query_scalar("SELECT value FROM meta WHERE key = 'store_id'")
                .fetch_optional(&mut conn)
                .await
                .map_err(|fault| StoreFault::sql("read its own label", fault))?;
            Marker { store_id: store_id.unwrap_or_default() }.write(&self.dir)?;
        }
        let dead = run::dead(&self.dir, &mut conn).await?;
        if dead.is_empty() && !run::unclean(&self.dir) {
            return Ok((conn, 0));
        }
        files::sweep(&self.dir);
        snapshot::sweep(&self.dir);
        let mut hand = Hand::new(place, conn, Arc::default());
        let interrupted = match hand.mark_interrupted(&dead).await {
            Ok(count) => {
                let _ = hand.flush().await;
                for run in files::runs(&self.dir) {
                    if !files::run_lives(&self.dir, &run) {
                        files::forget_run(&self.dir, &run);
                    }
                }
                count
            }
            // What is there can still be read; the next opening tries again.
            Err(fault) if fault.passes() => {
                tracing::error!(%fault, "calls of an earlier run could not be marked as interrupted");
                0
            }
            Err(fault) => return Err(fault),
        };
        if interrupted > 0 {
            tracing::warn!(interrupted, "calls of an earlier run were marked as interrupted");
        }
        Ok((hand.into_conn().await?, interrupted))
    }
}

#[cfg(test)]
pub(crate) mod tests;
