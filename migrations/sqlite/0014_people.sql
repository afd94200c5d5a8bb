-- Who signs in, how, and what he made for his meters and programs. Digests are SHA-256 of secrets, which are kept nowhere.
--   role  0 member, 1 administrator
-- Rows of people, sessions and keys are known outside of the database: AUTOINCREMENT, so that no other ever gets the
-- number of one that is gone.
CREATE TABLE people (
    row           INTEGER PRIMARY KEY AUTOINCREMENT,
    name          TEXT    NOT NULL,
    -- The name as names are compared.
    name_key      TEXT    NOT NULL UNIQUE,
    role          INTEGER NOT NULL CHECK (role IN (0, 1)),
    created_at_ms INTEGER NOT NULL
) STRICT;

-- Whose an account is. One that does not stand here is nobody's, as those are at first whose keys stand in the
-- configuration.
CREATE TABLE account_owners (
    account INTEGER PRIMARY KEY REFERENCES accounts (row) ON DELETE CASCADE,
    person  INTEGER NOT NULL REFERENCES people (row) ON DELETE CASCADE
) STRICT;

CREATE INDEX account_owners_of_person ON account_owners (person);

-- How people sign in: who they are to a provider, or, where that is empty, with a password. `secret` is what this is
-- verified with.
CREATE TABLE sign_ins (
    provider TEXT    NOT NULL,
    subject  TEXT    NOT NULL,
    person   INTEGER NOT NULL REFERENCES people (row) ON DELETE CASCADE,
    secret   TEXT,
    PRIMARY KEY (provider, subject)
) STRICT, WITHOUT ROWID;

CREATE INDEX sign_ins_of_person ON sign_ins (person);

-- What lets somebody join, so many times and until then. `made_by` is NULL where the relay itself made it.
CREATE TABLE invitations (
    digest        BLOB    NOT NULL PRIMARY KEY CHECK (length(digest) = 32),
    role          INTEGER NOT NULL CHECK (role IN (0, 1)),
    note          TEXT    NOT NULL,
    made_by       INTEGER REFERENCES people (row) ON DELETE CASCADE,
    created_at_ms INTEGER NOT NULL,
    ends_at_ms    INTEGER NOT NULL,
    uses_left     INTEGER NOT NULL CHECK (uses_left >= 0)
) STRICT, WITHOUT ROWID;

CREATE INDEX invitations_by ON invitations (made_by) WHERE made_by IS NOT NULL;

CREATE TABLE sessions (
    row           INTEGER PRIMARY KEY AUTOINCREMENT,
    digest        BLOB    NOT NULL UNIQUE CHECK (length(digest) = 32),
    person        INTEGER NOT NULL REFERENCES people (row) ON DELETE CASCADE,
    agent         TEXT    NOT NULL,
    created_at_ms INTEGER NOT NULL,
    used_at_ms    INTEGER NOT NULL
) STRICT;

CREATE INDEX sessions_of_person ON sessions (person);

-- `scopes` is a bit for each thing that a key may do; `visibility` as of raids.
CREATE TABLE keys (
    row             INTEGER PRIMARY KEY AUTOINCREMENT,
    account         INTEGER NOT NULL REFERENCES accounts (row) ON DELETE CASCADE,
    digest          BLOB    NOT NULL UNIQUE CHECK (length(digest) = 32),
    name            TEXT    NOT NULL,
    scopes          INTEGER NOT NULL CHECK (scopes BETWEEN 0 AND 255),
    visibility      INTEGER NOT NULL CHECK (visibility BETWEEN 0 AND 2),
    uploads_per_day INTEGER,
    created_at_ms   INTEGER NOT NULL,
    ends_at_ms      INTEGER,
    used_at_ms      INTEGER
) STRICT;

CREATE INDEX keys_of_account ON keys (account);
