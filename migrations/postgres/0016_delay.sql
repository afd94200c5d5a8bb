-- How far behind those are who are no members of a raid.
--   delay_ms        by so much, ms; 0: not at all
--   shown_until_ms  what came until then they may see whatever the delay is, for they saw it before that was raised; Unix ms
ALTER TABLE raids ADD COLUMN delay_ms BIGINT NOT NULL DEFAULT 0 CHECK (delay_ms BETWEEN 0 AND 600000);
ALTER TABLE raids ADD COLUMN shown_until_ms BIGINT NOT NULL DEFAULT 0;

-- The few raids of which lists hold something back.
CREATE INDEX raids_delayed ON raids (active_at_ms) WHERE delay_ms > 0;
