-- What is still to be done after something was kept, written with what caused it, until it is done. `name` is 16 bytes of
-- its kind's own; `due_at_ms` is pushed on while it is being done, so that who died at it holds nobody up; `why` is why it
-- was not done the last time.
CREATE TABLE jobs (
    kind          INTEGER NOT NULL,
    account       INTEGER NOT NULL,
    name          BLOB    NOT NULL CHECK (length(name) = 16),
    data          BLOB    NOT NULL,
    created_at_ms INTEGER NOT NULL,
    due_at_ms     INTEGER NOT NULL,
    tries         INTEGER NOT NULL DEFAULT 0,
    why           TEXT,
    PRIMARY KEY (kind, account, name)
) STRICT;

CREATE INDEX jobs_due ON jobs (due_at_ms);
