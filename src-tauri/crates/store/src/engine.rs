//! The database engine itself, for the doctor.

use sqlx::{ConnectOptions as _, Connection as _};

/// The version of SQLite that is linked, asked in memory: no file is touched.
pub async fn engine() -> Result<String, String> {
    let mut connection = sqlx::sqlite::SqliteConnectOptions::new()
        .in_memory(true)
        .disable_statement_logging()
        .connect()
        .await
        .map_err(|fault| fault.to_string())?;
    let version: Result<String, _> = sqlx::query_scalar("select sqlite_version()").fetch_one(&mut connection).await;
    let _ = connection.close().await;
    version.map_err(|fault| fault.to_string())
}

#[cfg(test)]
mod tests {
    #[tokio::test]
    async fn the_engine_says_its_version() {
        let version = super::engine().await.unwrap();
        assert!(version.starts_with("3."), "{version}");
    }
}
