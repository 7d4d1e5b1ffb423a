-- Facts about this file of ours: `store_id`, `audit.head` (the highest row that the head file vouched for), `audit.key` (which key seals).
CREATE TABLE meta (
    key   TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Processes that have something in the audit log that is not finished. `low`: no intent of theirs before this row is open.
CREATE TABLE runs (
    id  TEXT PRIMARY KEY,
    low INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- The audit chain. `mac` is over `prev` and every other column, `body` byte by byte as it stands.
CREATE TABLE audit (
    seq    INTEGER PRIMARY KEY,
    run    TEXT NOT NULL,
    id     TEXT NOT NULL,
    at     INTEGER NOT NULL,
    kind   TEXT NOT NULL,
    ending TEXT,
    server TEXT,
    body   TEXT NOT NULL,
    prev   BLOB NOT NULL,
    mac    BLOB NOT NULL
) STRICT;
CREATE INDEX audit_by_id ON audit (id);
CREATE TRIGGER audit_is_not_changed BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
CREATE TRIGGER audit_is_not_deleted BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;

CREATE TABLE servers (
    id             TEXT PRIMARY KEY,
    name           TEXT NOT NULL UNIQUE,
    protocol       TEXT NOT NULL,
    enabled        INTEGER NOT NULL,
    settings       TEXT NOT NULL,
    extra          TEXT NOT NULL,
    lazy           INTEGER NOT NULL,
    idle_stop_secs INTEGER NOT NULL,
    origin         TEXT NOT NULL,
    updated_at     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE trust (
    server      TEXT PRIMARY KEY,
    definition  TEXT NOT NULL,
    accepted_at INTEGER NOT NULL,
    tools       TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE kept (
    server TEXT NOT NULL,
    key    TEXT NOT NULL,
    value  TEXT NOT NULL,
    PRIMARY KEY (server, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE catalogues (
    server    TEXT PRIMARY KEY,
    catalogue TEXT NOT NULL,
    facts     TEXT NOT NULL,
    seen_at   INTEGER NOT NULL
) STRICT;

-- Finished calls, added up per second (`span` 1000) and per minute (`span` 60000). `hist`: how many calls fell into which step of latency.
CREATE TABLE buckets (
    span      INTEGER NOT NULL,
    start     INTEGER NOT NULL,
    server    TEXT NOT NULL,
    tool      TEXT NOT NULL,
    calls     INTEGER NOT NULL,
    errors    TEXT NOT NULL,
    hist      BLOB NOT NULL,
    min_ms    REAL NOT NULL,
    max_ms    REAL NOT NULL,
    bytes_out INTEGER NOT NULL,
    bytes_in  INTEGER NOT NULL,
    PRIMARY KEY (span, start, server, tool)
) STRICT, WITHOUT ROWID;

-- The last latencies of each server, for its sparkline.
CREATE TABLE latencies (
    n      INTEGER PRIMARY KEY AUTOINCREMENT,
    server TEXT NOT NULL,
    at     INTEGER NOT NULL,
    ms     REAL NOT NULL
) STRICT;
CREATE INDEX latencies_by_server ON latencies (server, n);

CREATE TABLE history (
    n          INTEGER PRIMARY KEY AUTOINCREMENT,
    audit_id   TEXT NOT NULL,
    at         INTEGER NOT NULL,
    server     TEXT NOT NULL,
    tool       TEXT NOT NULL,
    args       TEXT NOT NULL,
    result     TEXT NOT NULL,
    ok         INTEGER NOT NULL,
    elapsed_ms REAL NOT NULL
) STRICT;
CREATE INDEX history_by_server ON history (server, n);

CREATE TABLE settings (
    key   TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE policy (
    one  INTEGER PRIMARY KEY CHECK (one = 1),
    body TEXT NOT NULL
) STRICT;
