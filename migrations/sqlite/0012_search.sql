-- Who finds what by search: derived as the tables of 0010 are, of the same reports, and made again with them.
-- What a fight is found by, each in all orders: its players, their names, its bosses and its scene as numbers, and 0,
-- which all have. `listed`: it is final and public; kept equal by the store, so that each order of what may be found is one
-- index. `marks`: outcome, difficulty, number of players, classes and specs (of a player its own) in 64 bits. Both stand in the
-- indexes, too, so that no other row is read for them.
CREATE TABLE search_terms (
    encounter     INTEGER NOT NULL REFERENCES encounters (row) ON DELETE CASCADE,
    term          INTEGER NOT NULL,
    listed        INTEGER NOT NULL CHECK (listed IN (0, 1)),
    started_at_ms INTEGER NOT NULL,
    created_at_ms INTEGER NOT NULL,
    duration_ms   INTEGER NOT NULL,
    dps           INTEGER NOT NULL,
    marks         INTEGER NOT NULL,
    PRIMARY KEY (encounter, term)
) STRICT, WITHOUT ROWID;

CREATE INDEX search_by_started ON search_terms (term, started_at_ms, encounter, listed, marks) WHERE listed;
CREATE INDEX search_by_created ON search_terms (term, created_at_ms, encounter, listed, marks) WHERE listed;
CREATE INDEX search_by_duration ON search_terms (term, duration_ms, encounter, listed, marks) WHERE listed;
CREATE INDEX search_by_dps ON search_terms (term, dps, encounter, listed, marks) WHERE listed;

-- Names of players and bosses as they are compared, each once; `uses`: so many fights have it, `listed`: so many of those
-- that may be found. A name that none has any more is removed.
CREATE TABLE search_names (
    term INTEGER PRIMARY KEY,
    name TEXT    NOT NULL,
    uses INTEGER NOT NULL,
    listed INTEGER NOT NULL
) STRICT;

-- The parts of names by which names that are alike are found: of those that are listed alone, or what nobody may see would
-- be in the way of what is there.
CREATE TABLE search_parts (
    part INTEGER NOT NULL,
    term INTEGER NOT NULL REFERENCES search_names (term) ON DELETE CASCADE,
    PRIMARY KEY (part, term)
) STRICT, WITHOUT ROWID;

CREATE INDEX search_parts_of_name ON search_parts (term);

-- One row that counts what changes what searches find or show.
CREATE TABLE search_state (
    row     INTEGER PRIMARY KEY CHECK (row = 1),
    changes INTEGER NOT NULL
) STRICT;

INSERT INTO search_state (row, changes) VALUES (1, 0);

-- The term of the player's name.
ALTER TABLE encounter_players ADD COLUMN name_term INTEGER;

-- All that is kept already is still to be derived.
INSERT INTO jobs (kind, account, name, data, created_at_ms, due_at_ms)
SELECT 1, account, CAST(printf('%010x%06x', row, revision) AS BLOB), CAST(report_id AS BLOB), kept_at_ms, 0
FROM encounters WHERE kept_at_ms IS NOT NULL ON CONFLICT DO NOTHING;
