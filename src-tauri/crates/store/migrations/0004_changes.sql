-- Rehearsals that can be approved.
CREATE TABLE rehearsals (
    cluster TEXT NOT NULL,
    digest  TEXT NOT NULL,
    until   INTEGER NOT NULL,
    PRIMARY KEY (cluster, digest)
) STRICT, WITHOUT ROWID;

-- Changes to clusters, kept to be undone. `body` holds the objects before and after; of Secrets it holds ids of the vault, no value.
-- `deadline`: when it goes back unless somebody confirms it. `claimed_until`: until then a process is at it.
CREATE TABLE changes (
    id            TEXT PRIMARY KEY,
    cluster       TEXT NOT NULL,
    at            INTEGER NOT NULL,
    state         TEXT NOT NULL,
    deadline      INTEGER,
    claimed_until INTEGER,
    body          TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX changes_at ON changes (at);
