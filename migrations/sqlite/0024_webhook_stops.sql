-- Two more reasons why nothing is sent to a webhook any more: 2 its messages are not taken, 3 its address must be set again.
CREATE TABLE webhooks_anew (
    account       INTEGER PRIMARY KEY REFERENCES accounts (row) ON DELETE CASCADE,
    digest        BLOB    NOT NULL CHECK (length(digest) = 32),
    sealed        BLOB    NOT NULL CHECK (length(sealed) BETWEEN 1 AND 1024),
    host          TEXT    NOT NULL,
    set_at_ms     INTEGER NOT NULL,
    sent_at_ms    INTEGER,
    stopped       INTEGER CHECK (stopped BETWEEN 0 AND 3),
    stopped_at_ms INTEGER
) STRICT;
INSERT INTO webhooks_anew
SELECT account, digest, sealed, host, set_at_ms, sent_at_ms, stopped, stopped_at_ms FROM webhooks;
DROP TABLE webhooks;
ALTER TABLE webhooks_anew RENAME TO webhooks;
CREATE INDEX webhooks_by_digest ON webhooks (digest);
