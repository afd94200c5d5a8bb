-- 1: of fights that had ended when they came. A channel shows such a raid only while it has no other.
ALTER TABLE raids ADD COLUMN history INTEGER NOT NULL DEFAULT 0 CHECK (history IN (0, 1));

DROP INDEX raids_newest;
CREATE INDEX raids_newest ON raids (account, history DESC, active_at_ms);
