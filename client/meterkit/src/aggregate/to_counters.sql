-- From the first generation to counters: events are dropped with their tables, finished fights keep their arrays.
DROP TABLE damage_events;
DROP TABLE heal_events;
ALTER TABLE encounters ADD COLUMN duration REAL NOT NULL DEFAULT 0;
ALTER TABLE encounters ADD COLUMN uploaded_at_ms BIGINT;
ALTER TABLE encounters ADD COLUMN remote_encounter_id BIGINT;
ALTER TABLE actor_encounter_stats ADD COLUMN dps REAL NOT NULL DEFAULT 0;
ALTER TABLE actor_encounter_stats ADD COLUMN duration REAL NOT NULL DEFAULT 0;
CREATE TABLE detailed_playerdata (
    player_id             BIGINT PRIMARY KEY,
    last_seen_ms          BIGINT NOT NULL,
    char_serialize_json   TEXT NOT NULL,
    profession_list_json  TEXT,
    talent_node_ids_json  TEXT
);
INSERT OR IGNORE INTO __diesel_schema_migrations (version) VALUES ('20251107000020'), ('20251114000026');
