-- The tables of the aggregate generation at its last migration. Names and types are the meter's; readers rely on them.
CREATE TABLE IF NOT EXISTS __diesel_schema_migrations (
    version VARCHAR(50) PRIMARY KEY NOT NULL,
    run_on  TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP
);
INSERT OR IGNORE INTO __diesel_schema_migrations (version) VALUES
    ('20251024000000'), ('20251107000020'), ('20251122000027'), ('20251207000033');

CREATE TABLE IF NOT EXISTS encounters (
    id                  INTEGER PRIMARY KEY AUTOINCREMENT,
    started_at_ms       INTEGER NOT NULL,
    ended_at_ms         INTEGER,
    local_player_id     INTEGER,
    total_dmg           INTEGER DEFAULT 0,
    total_heal          INTEGER DEFAULT 0,
    scene_id            INTEGER,
    scene_name          TEXT,
    duration            REAL NOT NULL DEFAULT 0,
    uploaded_at_ms      BIGINT,
    remote_encounter_id BIGINT,
    is_favorite         INTEGER NOT NULL DEFAULT 0,
    is_manually_reset   INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX IF NOT EXISTS idx_encounters_started ON encounters (started_at_ms);

-- Players alone; kept over encounters.
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

CREATE TABLE IF NOT EXISTS actor_encounter_stats (
    encounter_id          INTEGER NOT NULL REFERENCES encounters (id) ON DELETE CASCADE,
    actor_id              INTEGER NOT NULL,
    class_spec            INTEGER,
    damage_dealt          INTEGER NOT NULL DEFAULT 0,
    heal_dealt            INTEGER NOT NULL DEFAULT 0,
    damage_taken          INTEGER NOT NULL DEFAULT 0,
    hits_dealt            INTEGER NOT NULL DEFAULT 0,
    hits_heal             INTEGER NOT NULL DEFAULT 0,
    hits_taken            INTEGER NOT NULL DEFAULT 0,
    crit_hits_dealt       INTEGER NOT NULL DEFAULT 0,
    crit_hits_heal        INTEGER NOT NULL DEFAULT 0,
    crit_hits_taken       INTEGER NOT NULL DEFAULT 0,
    lucky_hits_dealt      INTEGER NOT NULL DEFAULT 0,
    lucky_hits_heal       INTEGER NOT NULL DEFAULT 0,
    lucky_hits_taken      INTEGER NOT NULL DEFAULT 0,
    crit_total_dealt      INTEGER NOT NULL DEFAULT 0,
    crit_total_heal       INTEGER NOT NULL DEFAULT 0,
    crit_total_taken      INTEGER NOT NULL DEFAULT 0,
    lucky_total_dealt     INTEGER NOT NULL DEFAULT 0,
    lucky_total_heal      INTEGER NOT NULL DEFAULT 0,
    lucky_total_taken     INTEGER NOT NULL DEFAULT 0,
    boss_damage_dealt     INTEGER NOT NULL DEFAULT 0,
    boss_hits_dealt       INTEGER NOT NULL DEFAULT 0,
    boss_crit_hits_dealt  INTEGER NOT NULL DEFAULT 0,
    boss_lucky_hits_dealt INTEGER NOT NULL DEFAULT 0,
    boss_crit_total_dealt INTEGER NOT NULL DEFAULT 0,
    boss_lucky_total_dealt INTEGER NOT NULL DEFAULT 0,
    name                  TEXT,
    class_id              INTEGER,
    ability_score         INTEGER,
    level                 INTEGER,
    is_player             INTEGER NOT NULL DEFAULT 1,
    attributes            TEXT,
    is_local_player       INTEGER NOT NULL DEFAULT 0,
    revives               INTEGER NOT NULL DEFAULT 0,
    dps                   REAL NOT NULL DEFAULT 0,
    duration              REAL NOT NULL DEFAULT 0,
    active_dmg_time_ms    BIGINT NOT NULL DEFAULT 0,
    tdps                  DOUBLE NOT NULL DEFAULT 0,
    PRIMARY KEY (encounter_id, actor_id)
);

CREATE TABLE IF NOT EXISTS damage_skill_stats (
    encounter_id      INTEGER NOT NULL REFERENCES encounters (id) ON DELETE CASCADE,
    attacker_id       BIGINT NOT NULL,
    defender_id       BIGINT,
    skill_id          INTEGER NOT NULL,
    hits              INTEGER NOT NULL DEFAULT 0,
    total_value       BIGINT NOT NULL DEFAULT 0,
    crit_hits         INTEGER NOT NULL DEFAULT 0,
    lucky_hits        INTEGER NOT NULL DEFAULT 0,
    crit_total        BIGINT NOT NULL DEFAULT 0,
    lucky_total       BIGINT NOT NULL DEFAULT 0,
    hp_loss_total     BIGINT NOT NULL DEFAULT 0,
    shield_loss_total BIGINT NOT NULL DEFAULT 0,
    hit_details       TEXT NOT NULL,
    monster_name      TEXT,
    PRIMARY KEY (encounter_id, attacker_id, defender_id, skill_id)
);
CREATE INDEX IF NOT EXISTS idx_damage_skill_stats_encounter ON damage_skill_stats (encounter_id);

CREATE TABLE IF NOT EXISTS heal_skill_stats (
    encounter_id INTEGER NOT NULL REFERENCES encounters (id) ON DELETE CASCADE,
    healer_id    BIGINT NOT NULL,
    target_id    BIGINT,
    skill_id     INTEGER NOT NULL,
    hits         INTEGER NOT NULL DEFAULT 0,
    total_value  BIGINT NOT NULL DEFAULT 0,
    crit_hits    INTEGER NOT NULL DEFAULT 0,
    lucky_hits   INTEGER NOT NULL DEFAULT 0,
    crit_total   BIGINT NOT NULL DEFAULT 0,
    lucky_total  BIGINT NOT NULL DEFAULT 0,
    heal_details TEXT NOT NULL,
    monster_name TEXT,
    PRIMARY KEY (encounter_id, healer_id, target_id, skill_id)
);
CREATE INDEX IF NOT EXISTS idx_heal_skill_stats_encounter ON heal_skill_stats (encounter_id);

-- By display name: two copies of a boss share a row.
CREATE TABLE IF NOT EXISTS encounter_bosses (
    encounter_id INTEGER NOT NULL REFERENCES encounters (id) ON DELETE CASCADE,
    monster_name TEXT NOT NULL,
    hits         INTEGER NOT NULL DEFAULT 0,
    total_damage BIGINT NOT NULL DEFAULT 0,
    max_hp       BIGINT,
    is_defeated  INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (encounter_id, monster_name)
);

CREATE TABLE IF NOT EXISTS death_events (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    encounter_id    INTEGER NOT NULL REFERENCES encounters (id) ON DELETE CASCADE,
    timestamp_ms    INTEGER NOT NULL,
    actor_id        INTEGER NOT NULL,
    killer_id       INTEGER,
    skill_id        INTEGER,
    is_local_player INTEGER NOT NULL DEFAULT 0,
    attempt_index   INTEGER DEFAULT 1
);
CREATE INDEX IF NOT EXISTS idx_death_events_encounter ON death_events (encounter_id);

CREATE TABLE IF NOT EXISTS attempts (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    encounter_id  INTEGER NOT NULL REFERENCES encounters (id) ON DELETE CASCADE,
    attempt_index INTEGER NOT NULL,
    started_at_ms INTEGER NOT NULL,
    ended_at_ms   INTEGER,
    reason        TEXT NOT NULL,
    boss_hp_start INTEGER,
    boss_hp_end   INTEGER,
    total_deaths  INTEGER DEFAULT 0,
    UNIQUE (encounter_id, attempt_index)
);

CREATE TABLE IF NOT EXISTS dungeon_segments (
    id                   INTEGER PRIMARY KEY AUTOINCREMENT,
    encounter_id         INTEGER NOT NULL REFERENCES encounters (id) ON DELETE CASCADE,
    segment_type         TEXT NOT NULL,
    boss_entity_id       BIGINT,
    boss_monster_type_id BIGINT,
    boss_name            TEXT,
    started_at_ms        BIGINT NOT NULL,
    ended_at_ms          BIGINT,
    total_damage         BIGINT NOT NULL DEFAULT 0,
    hit_count            BIGINT NOT NULL DEFAULT 0
);

-- The tables below are here because a meter's database has them; scripted fights leave them empty.
CREATE TABLE IF NOT EXISTS buffs (
    encounter_id INTEGER NOT NULL REFERENCES encounters (id) ON DELETE CASCADE,
    entity_id    BIGINT NOT NULL,
    buff_id      INTEGER NOT NULL,
    events       TEXT NOT NULL,
    PRIMARY KEY (encounter_id, entity_id, buff_id)
);

CREATE TABLE IF NOT EXISTS detailed_playerdata (
    player_id             BIGINT PRIMARY KEY,
    last_seen_ms          BIGINT NOT NULL,
    char_serialize_json   TEXT NOT NULL,
    profession_list_json  TEXT,
    talent_node_ids_json  TEXT
);

CREATE TABLE IF NOT EXISTS app_config (
    key   TEXT PRIMARY KEY NOT NULL,
    value TEXT NOT NULL
);
