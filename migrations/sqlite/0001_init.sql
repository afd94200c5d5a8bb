-- Times are Unix ms. Ids that clients make (raid, encounter, stream) are UUIDs of 16 bytes; inside the database rows are
-- named by small integers, which cost a byte or two where they are repeated. Enums are integers:
--   visibility  0 public, 1 unlisted, 2 private
--   state       0 live, 1 provisional, 2 final
--   outcome     0 kill, 1 wipe, 2 reset, 3 unfinished, 4 unknown
--   kind        0 delta, 1 end
-- Amounts are 64-bit patterns of unsigned integers; limits keep them below 2^53, so they also sort.

CREATE TABLE accounts (
    row     INTEGER PRIMARY KEY,
    name    TEXT NOT NULL UNIQUE,
    channel TEXT NOT NULL UNIQUE
) STRICT;

CREATE TABLE raids (
    row           INTEGER PRIMARY KEY,
    id            BLOB    NOT NULL UNIQUE CHECK (length(id) = 16),
    account       INTEGER NOT NULL REFERENCES accounts (row) ON DELETE CASCADE,
    code          TEXT    NOT NULL UNIQUE,
    secret_digest BLOB    NOT NULL CHECK (length(secret_digest) = 32),
    title         TEXT,
    visibility    INTEGER NOT NULL CHECK (visibility BETWEEN 0 AND 2),
    created_at_ms INTEGER NOT NULL,
    active_at_ms  INTEGER NOT NULL,
    closed        INTEGER NOT NULL CHECK (closed IN (0, 1))
) STRICT;

CREATE INDEX raids_newest ON raids (account, active_at_ms);

-- A fight, where its report stands, and what lists show of it (zero or NULL until a report is kept).
CREATE TABLE encounters (
    row           INTEGER PRIMARY KEY,
    account       INTEGER NOT NULL REFERENCES accounts (row) ON DELETE CASCADE,
    encounter_id  BLOB    NOT NULL CHECK (length(encounter_id) = 16),
    report_id     TEXT    NOT NULL UNIQUE,
    raid          INTEGER NOT NULL REFERENCES raids (row) ON DELETE CASCADE,
    -- The raid's visibility, so that the list of public reports is one index; kept equal by the writer.
    visibility    INTEGER NOT NULL CHECK (visibility BETWEEN 0 AND 2),
    started_at_ms INTEGER NOT NULL,
    created_at_ms INTEGER NOT NULL,
    state         INTEGER NOT NULL DEFAULT 0 CHECK (state BETWEEN 0 AND 2),
    revision      INTEGER NOT NULL DEFAULT 1,
    kept_stream   BLOB    CHECK (length(kept_stream) = 16),
    kept_at_ms    INTEGER,
    ended_at_ms   INTEGER,
    duration_ms   INTEGER NOT NULL DEFAULT 0,
    outcome       INTEGER NOT NULL DEFAULT 4 CHECK (outcome BETWEEN 0 AND 4),
    scene         TEXT,
    scene_id      INTEGER,
    difficulty    INTEGER,
    -- Names by damage: a JSON list, NULL for none.
    bosses        TEXT,
    players       INTEGER NOT NULL DEFAULT 0,
    damage        INTEGER NOT NULL DEFAULT 0,
    boss_damage   INTEGER NOT NULL DEFAULT 0,
    healing       INTEGER NOT NULL DEFAULT 0,
    damage_taken  INTEGER NOT NULL DEFAULT 0,
    hits          INTEGER NOT NULL DEFAULT 0,
    heal_hits     INTEGER NOT NULL DEFAULT 0,
    deaths        INTEGER NOT NULL DEFAULT 0,
    UNIQUE (account, encounter_id)
) STRICT;

CREATE INDEX encounters_public ON encounters (started_at_ms DESC, row DESC) WHERE visibility = 0;
CREATE INDEX encounters_of_raid ON encounters (raid, started_at_ms DESC, row DESC);
CREATE INDEX encounters_of_account ON encounters (account, created_at_ms);
CREATE INDEX encounters_live ON encounters (row) WHERE state = 0;

-- Readings of a fight that is not final; the order of rows is the order in which they began.
CREATE TABLE encounter_stream (
    row       INTEGER PRIMARY KEY,
    encounter INTEGER NOT NULL REFERENCES encounters (row) ON DELETE CASCADE,
    stream    BLOB    NOT NULL CHECK (length(stream) = 16),
    header    BLOB    NOT NULL,
    UNIQUE (encounter, stream)
) STRICT;

-- The log of a fight while it runs: one row a delta, gone when the report is final.
CREATE TABLE encounter_journal (
    stream         INTEGER NOT NULL REFERENCES encounter_stream (row) ON DELETE CASCADE,
    seq            INTEGER NOT NULL,
    kind           INTEGER NOT NULL CHECK (kind IN (0, 1)),
    received_at_ms INTEGER NOT NULL,
    data           BLOB    NOT NULL,
    PRIMARY KEY (stream, seq)
) STRICT, WITHOUT ROWID;

-- The kept report, encoded and compressed by the relay.
CREATE TABLE encounter_record (
    encounter INTEGER PRIMARY KEY REFERENCES encounters (row) ON DELETE CASCADE,
    record    BLOB NOT NULL
) STRICT;

-- The whole log of a final report.
CREATE TABLE encounter_log (
    encounter INTEGER PRIMARY KEY REFERENCES encounters (row) ON DELETE CASCADE,
    log       BLOB NOT NULL
) STRICT;

-- One row that takes and gives back a few pages whenever somebody asks whether writes arrive.
CREATE TABLE ping (
    row  INTEGER PRIMARY KEY CHECK (row = 1),
    room BLOB
) STRICT;

INSERT INTO ping (row) VALUES (1);
