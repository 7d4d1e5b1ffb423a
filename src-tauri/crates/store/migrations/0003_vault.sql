-- The vault: how its key is kept. `held`: a person locked it, for every process. `tries`: wrong passphrases in a row.
CREATE TABLE vault_meta (
    one        INTEGER PRIMARY KEY CHECK (one = 1),
    uuid       TEXT NOT NULL,
    schema     INTEGER NOT NULL,
    kind       TEXT NOT NULL,
    generation INTEGER NOT NULL,
    revision   INTEGER NOT NULL,
    held       INTEGER NOT NULL,
    tries      INTEGER NOT NULL,
    tried_at   INTEGER NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;

-- Its keys, wrapped by what the keyring holds (`account`) or by a passphrase (`kdf`, `salt`). `kcv`: a known text sealed with the key.
CREATE TABLE vault_key (
    generation INTEGER PRIMARY KEY,
    account    TEXT NOT NULL,
    kdf        TEXT NOT NULL,
    salt       BLOB NOT NULL,
    nonce      BLOB NOT NULL,
    wrapped    BLOB NOT NULL,
    kcv        BLOB NOT NULL
) STRICT;

-- Sealed values. Owner and id are part of what each is sealed to: a row that is moved does not open.
CREATE TABLE secret (
    id         TEXT PRIMARY KEY,
    owner_kind TEXT NOT NULL,
    owner_id   TEXT NOT NULL,
    field      TEXT NOT NULL,
    kind       TEXT NOT NULL,
    generation INTEGER NOT NULL,
    nonce      BLOB NOT NULL,
    sealed     BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    expires_at INTEGER,
    last_used  INTEGER,
    UNIQUE (owner_kind, owner_id, field)
) STRICT;
