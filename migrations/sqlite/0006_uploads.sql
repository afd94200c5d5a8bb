-- What meters are told of an encounter that was uploaded whole: random, so that it tells nobody of others, and small
-- enough for JavaScript. NULL until one is uploaded.
ALTER TABLE encounters ADD COLUMN remote_id INTEGER CHECK (remote_id BETWEEN 1 AND 9007199254740991);

CREATE UNIQUE INDEX encounters_remote ON encounters (remote_id) WHERE remote_id IS NOT NULL;

-- Which encounter an account has uploaded under a meter's own hash of the fight, which the relay keys. The account is the
-- encounter's.
CREATE TABLE upload_hashes (
    account   INTEGER NOT NULL,
    hash      BLOB    NOT NULL CHECK (length(hash) = 16),
    encounter INTEGER NOT NULL REFERENCES encounters (row) ON DELETE CASCADE,
    PRIMARY KEY (account, hash)
) STRICT, WITHOUT ROWID;

CREATE INDEX upload_hashes_of_encounter ON upload_hashes (encounter);
