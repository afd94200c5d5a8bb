-- The tables of the generation of chunks. Names and types are the meter's; readers rely on them.
CREATE TABLE IF NOT EXISTS __diesel_schema_migrations (
    version VARCHAR(50) PRIMARY KEY NOT NULL,
    run_on  TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP
);
INSERT OR IGNORE INTO __diesel_schema_migrations (version) VALUES
    ('20260101000000'), ('20260307000000'), ('20260429000000'), ('20260730000000');

-- scene_name and boss_names stand empty: this meter resolves names from ids when it shows them.
CREATE TABLE IF NOT EXISTS encounters (
    id                     INTEGER PRIMARY KEY AUTOINCREMENT,
    started_at_ms          INTEGER NOT NULL,
    ended_at_ms            INTEGER,
    local_player_id        INTEGER,
    total_dmg              INTEGER DEFAULT 0,
    total_heal             INTEGER DEFAULT 0,
    scene_id               INTEGER,
    scene_name             TEXT,
    duration               REAL NOT NULL DEFAULT 0.0,
    uploaded_at_ms         INTEGER,
    remote_encounter_id    INTEGER,
    is_favorite            INTEGER NOT NULL DEFAULT 0,
    is_manually_reset      INTEGER NOT NULL DEFAULT 0,
    boss_names             TEXT,
    player_names           TEXT,
    active_combat_duration REAL,
    dungeon_difficulty     INTEGER,
    boss_monster_ids       TEXT,
    quality_flags          INTEGER NOT NULL DEFAULT 0,
    total_dmg_exact        TEXT,
    total_heal_exact       TEXT
);
CREATE INDEX IF NOT EXISTS idx_encounters_started ON encounters (started_at_ms);

CREATE TABLE IF NOT EXISTS encounter_event_chunks (
    encounter_id            INTEGER NOT NULL REFERENCES encounters (id) ON DELETE CASCADE,
    stream_kind             TEXT NOT NULL,
    chunk_index             INTEGER NOT NULL,
    first_sequence          INTEGER NOT NULL,
    last_sequence           INTEGER NOT NULL,
    start_offset_ms         INTEGER NOT NULL,
    end_offset_ms_exclusive INTEGER NOT NULL,
    event_count             INTEGER NOT NULL,
    data                    BLOB NOT NULL,
    PRIMARY KEY (encounter_id, stream_kind, chunk_index)
);
CREATE INDEX IF NOT EXISTS idx_encounter_event_chunks_sequence
    ON encounter_event_chunks (encounter_id, first_sequence, last_sequence);

CREATE TABLE IF NOT EXISTS entities (
    entity_id     INTEGER PRIMARY KEY,
    name          TEXT,
    class_id      INTEGER,
    class_spec    INTEGER,
    ability_score INTEGER,
    level         INTEGER,
    first_seen_ms INTEGER,
    last_seen_ms  INTEGER,
    attributes    TEXT
);

-- The tables below are here because a meter's database has them; scripted fights leave them empty.
CREATE TABLE IF NOT EXISTS encounter_projection (
    encounter_id  INTEGER PRIMARY KEY REFERENCES encounters (id) ON DELETE CASCADE,
    last_sequence INTEGER NOT NULL,
    quality_flags INTEGER NOT NULL,
    data          BLOB NOT NULL
);

CREATE TABLE IF NOT EXISTS detailed_playerdata (
    player_id    INTEGER PRIMARY KEY,
    last_seen_ms INTEGER NOT NULL,
    vdata_bytes  BLOB
);

CREATE TABLE IF NOT EXISTS app_config (
    key   TEXT PRIMARY KEY NOT NULL,
    value TEXT NOT NULL
);
