-- From counters to growing arrays; what is new in tables of its own comes with `schema.sql`.
ALTER TABLE encounters ADD COLUMN is_favorite INTEGER NOT NULL DEFAULT 0;
ALTER TABLE encounters ADD COLUMN is_manually_reset INTEGER NOT NULL DEFAULT 0;
ALTER TABLE actor_encounter_stats ADD COLUMN active_dmg_time_ms BIGINT NOT NULL DEFAULT 0;
ALTER TABLE actor_encounter_stats ADD COLUMN tdps DOUBLE NOT NULL DEFAULT 0;
