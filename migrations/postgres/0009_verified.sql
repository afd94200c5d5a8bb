-- Whether the reading that is kept came signed by its uploader.
ALTER TABLE encounters ADD COLUMN verified BOOLEAN NOT NULL DEFAULT FALSE;
