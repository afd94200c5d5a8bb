-- The spine: accounts, raids, encounters with their journal, records and logs. Times are Unix ms.

CREATE TABLE account (
    id      INTEGER PRIMARY KEY,
    name    TEXT NOT NULL UNIQUE,
    channel TEXT NOT NULL UNIQUE
) STRICT;

CREATE TABLE raid (
    id            BLOB PRIMARY KEY,
    account       INTEGER NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    code          TEXT NOT NULL UNIQUE,
    secret_digest BLOB NOT NULL,
    title         TEXT,
    visibility    INTEGER NOT NULL,
    created_at_ms INTEGER NOT NULL,
    active_at_ms  INTEGER NOT NULL,
    closed        INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX raid_by_account ON raid (account, active_at_ms);

CREATE TABLE encounter (
    id            INTEGER PRIMARY KEY,
    account       INTEGER NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    encounter_id  BLOB NOT NULL,
    report_id     TEXT NOT NULL UNIQUE,
    raid_code     TEXT NOT NULL REFERENCES raid (code) ON DELETE CASCADE,
    started_at_ms INTEGER NOT NULL,
    created_at_ms INTEGER NOT NULL,
    -- Where the report stands: 0 live, 1 provisional, 2 final.
    state         INTEGER NOT NULL DEFAULT 0,
    revision      INTEGER NOT NULL DEFAULT 1,
    kept_stream   BLOB,
    kept_at_ms    INTEGER,
    -- What lists show, as MessagePack; none before a report is kept.
    line          BLOB,
    UNIQUE (account, encounter_id)
) STRICT;

CREATE INDEX encounter_by_raid ON encounter (raid_code, started_at_ms);
CREATE INDEX encounter_by_start ON encounter (started_at_ms);
CREATE INDEX encounter_live ON encounter (id) WHERE state = 0;

CREATE TABLE encounter_stream (
    id        INTEGER PRIMARY KEY,
    encounter INTEGER NOT NULL REFERENCES encounter (id) ON DELETE CASCADE,
    stream    BLOB NOT NULL,
    header    BLOB NOT NULL,
    UNIQUE (encounter, stream)
) STRICT;

-- The log of a running encounter, one row an entry. An entry is stored only behind the one before it.
CREATE TABLE encounter_journal (
    stream         INTEGER NOT NULL REFERENCES encounter_stream (id) ON DELETE CASCADE,
    seq            INTEGER NOT NULL,
    kind           INTEGER NOT NULL,
    received_at_ms INTEGER NOT NULL,
    data           BLOB NOT NULL,
    PRIMARY KEY (stream, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE encounter_record (
    encounter INTEGER PRIMARY KEY REFERENCES encounter (id) ON DELETE CASCADE,
    record    BLOB NOT NULL
) STRICT;

CREATE TABLE encounter_log (
    encounter INTEGER PRIMARY KEY REFERENCES encounter (id) ON DELETE CASCADE,
    log       BLOB NOT NULL
) STRICT;

-- What `ping` writes and takes back.
CREATE TABLE probe (
    id   INTEGER PRIMARY KEY,
    data BLOB NOT NULL
) STRICT;
