//! What is kept: SQLite, one file per table, migrations.
