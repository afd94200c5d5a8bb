-- True: of fights that had ended when they came. A channel shows such a raid only while it has no other.
ALTER TABLE raids ADD COLUMN history BOOLEAN NOT NULL DEFAULT FALSE;

DROP INDEX raids_newest;
CREATE INDEX raids_newest ON raids (account, history DESC, active_at_ms);
