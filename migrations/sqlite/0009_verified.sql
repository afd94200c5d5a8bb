-- Whether the reading that is kept came signed by its uploader.
ALTER TABLE encounters ADD COLUMN verified INTEGER NOT NULL DEFAULT 0 CHECK (verified IN (0, 1));
