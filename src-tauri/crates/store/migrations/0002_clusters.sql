-- Clusters that were imported. `body` is the definition without id and name; it names secrets by their ids and holds none.
CREATE TABLE clusters (
    id         TEXT PRIMARY KEY,
    name       TEXT NOT NULL UNIQUE,
    body       TEXT NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- What a person said about programs that ask for credentials. `cluster` is empty where it was said for all.
CREATE TABLE consents (
    program TEXT NOT NULL,
    cluster TEXT NOT NULL,
    body    TEXT NOT NULL,
    PRIMARY KEY (program, cluster)
) STRICT, WITHOUT ROWID;
