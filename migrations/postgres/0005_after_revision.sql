-- Which revision of the report was shown when the reading began: one that is shown in its place comes after it. 0 for a
-- fight's first reading, and for those that began before this column was there.
ALTER TABLE encounter_stream ADD COLUMN after_revision BIGINT NOT NULL DEFAULT 0;
