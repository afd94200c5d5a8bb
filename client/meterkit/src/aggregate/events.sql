-- The tables of the first generation, at the last migration before its events' tables were dropped.
CREATE TABLE IF NOT EXISTS __diesel_schema_migrations (
    version VARCHAR(50) PRIMARY KEY NOT NULL,
    run_on  TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP
);
INSERT OR IGNORE INTO __diesel_schema_migrations (version) VALUES ('20251024000000'), ('20251105000016');

CREATE TABLE IF NOT EXISTS encounters (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    started_at_ms   INTEGER NOT NULL,
    ended_at_ms     INTEGER,
    local_player_id INTEGER,
    total_dmg       INTEGER DEFAULT 0,
    total_heal      INTEGER DEFAULT 0,
    scene_id        INTEGER,
    scene_name      TEXT
);
CREATE INDEX IF NOT EXISTS idx_encounters_started ON encounters (started_at_ms);

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
    PRIMARY KEY (encounter_id, actor_id)
);

-- A row for each hit; deleted when its encounter ends.
CREATE TABLE IF NOT EXISTS damage_events (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    encounter_id    INTEGER NOT NULL REFERENCES encounters (id) ON DELETE CASCADE,
    timestamp_ms    INTEGER NOT NULL,
    attacker_id     INTEGER NOT NULL,
    defender_id     INTEGER,
    skill_id        INTEGER,
    value           INTEGER NOT NULL,
    is_crit         INTEGER NOT NULL DEFAULT 0,
    is_lucky        INTEGER NOT NULL DEFAULT 0,
    hp_loss         INTEGER NOT NULL DEFAULT 0,
    shield_loss     INTEGER NOT NULL DEFAULT 0,
    is_boss         INTEGER NOT NULL DEFAULT 0,
    monster_name    TEXT,
    defender_max_hp BIGINT,
    attempt_index   INTEGER DEFAULT 1
);
CREATE INDEX IF NOT EXISTS idx_damage_events_encounter ON damage_events (encounter_id);

CREATE TABLE IF NOT EXISTS heal_events (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    encounter_id  INTEGER NOT NULL REFERENCES encounters (id) ON DELETE CASCADE,
    timestamp_ms  INTEGER NOT NULL,
    healer_id     INTEGER NOT NULL,
    target_id     INTEGER,
    skill_id      INTEGER,
    value         INTEGER NOT NULL,
    is_crit       INTEGER NOT NULL DEFAULT 0,
    is_lucky      INTEGER NOT NULL DEFAULT 0,
    attempt_index INTEGER DEFAULT 1
);
CREATE INDEX IF NOT EXISTS idx_heal_events_encounter ON heal_events (encounter_id);

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
