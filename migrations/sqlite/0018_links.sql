-- Links that let whoever has one see a raid, or what a channel shows, until they end. `digest` is the SHA-256 of a secret that
-- is kept nowhere; `raid` is NULL where a link is to its account's channel. Rows are known outside of the database:
-- AUTOINCREMENT, so that no other ever gets the number of one that is gone.
CREATE TABLE links (
    row           INTEGER PRIMARY KEY AUTOINCREMENT,
    account       INTEGER NOT NULL REFERENCES accounts (row) ON DELETE CASCADE,
    raid          INTEGER REFERENCES raids (row) ON DELETE CASCADE,
    digest        BLOB    NOT NULL UNIQUE CHECK (length(digest) = 32),
    name          TEXT    NOT NULL,
    created_at_ms INTEGER NOT NULL,
    ends_at_ms    INTEGER,
    used_at_ms    INTEGER
) STRICT;

CREATE INDEX links_of_account ON links (account, raid);
CREATE INDEX links_of_raid ON links (raid) WHERE raid IS NOT NULL;
