-- The tables of the summary generation. Names and types are the meter's; readers rely on them.
CREATE TABLE IF NOT EXISTS __diesel_schema_migrations (
    version VARCHAR(50) PRIMARY KEY NOT NULL,
    run_on  TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP
);
INSERT OR IGNORE INTO __diesel_schema_migrations (version) VALUES ('20260101000000'), ('20260307000000');

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

CREATE TABLE IF NOT EXISTS detailed_playerdata (
    player_id    INTEGER PRIMARY KEY NOT NULL,
    last_seen_ms INTEGER NOT NULL,
    vdata_bytes  BLOB
);

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
    boss_monster_ids       TEXT
);
CREATE INDEX IF NOT EXISTS idx_encounters_started ON encounters (started_at_ms);

CREATE TABLE IF NOT EXISTS encounter_data (
    encounter_id INTEGER PRIMARY KEY NOT NULL REFERENCES encounters (id) ON DELETE CASCADE,
    data         BLOB NOT NULL
);

CREATE TABLE IF NOT EXISTS app_config (
    key   TEXT PRIMARY KEY NOT NULL,
    value TEXT NOT NULL
);
