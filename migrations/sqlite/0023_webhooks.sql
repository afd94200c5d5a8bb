-- Where nights of an account are told of in a chat: one webhook each. `digest` is the SHA-256 of its address, by which two
-- accounts are known to tell the same chat; `sealed` is the address, which the relay's own secret opens; `stopped` why
-- nothing is sent there any more (0 it is gone, 1 it refuses), NULL while it is told.
CREATE TABLE webhooks (
    account       INTEGER PRIMARY KEY REFERENCES accounts (row) ON DELETE CASCADE,
    digest        BLOB    NOT NULL CHECK (length(digest) = 32),
    sealed        BLOB    NOT NULL CHECK (length(sealed) BETWEEN 1 AND 1024),
    host          TEXT    NOT NULL,
    set_at_ms     INTEGER NOT NULL,
    sent_at_ms    INTEGER,
    stopped       INTEGER CHECK (stopped IN (0, 1)),
    stopped_at_ms INTEGER
) STRICT;

CREATE INDEX webhooks_by_digest ON webhooks (digest);

-- The message that tells of a raid: what the chat calls it, in the webhook with this digest, and the SHA-256 of what it says.
-- Of several raids of one night one has it.
CREATE TABLE webhook_messages (
    raid       INTEGER PRIMARY KEY REFERENCES raids (row) ON DELETE CASCADE,
    digest     BLOB    NOT NULL CHECK (length(digest) = 32),
    message    TEXT    NOT NULL,
    shown      BLOB    NOT NULL CHECK (length(shown) = 32),
    sent_at_ms INTEGER NOT NULL
) STRICT;
