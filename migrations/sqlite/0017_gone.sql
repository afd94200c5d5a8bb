-- What is removed on purpose, who did it, who asks for it, and what is kept for good.
-- The fight whose reading a job looks at: such a job goes where the fight is erased, and stays where its uploader threw it
-- away. NULL for jobs of other kinds, and for those that were here before.
ALTER TABLE jobs ADD COLUMN encounter_id BLOB CHECK (length(encounter_id) = 16);

-- 1: it stays, however old it gets.
ALTER TABLE raids ADD COLUMN pinned INTEGER NOT NULL DEFAULT 0 CHECK (pinned IN (0, 1));

CREATE INDEX raids_by_age ON raids (active_at_ms) WHERE pinned = 0;

-- Who changed what. `who` is a person's row, NULL the relay itself or its operator; it stays when the person goes, and no
-- other ever gets it. `what` is a code of the store's, `about` the row of the account or person that it is about, as `what` has
-- it: no names, codes or addresses stand here.
CREATE TABLE audit (
    row   INTEGER PRIMARY KEY AUTOINCREMENT,
    at_ms INTEGER NOT NULL,
    who   INTEGER,
    what  INTEGER NOT NULL,
    about INTEGER
) STRICT;

CREATE INDEX audit_by_age ON audit (at_ms);

-- Who asks to be removed from what others uploaded.
CREATE TABLE removals (
    row           INTEGER PRIMARY KEY AUTOINCREMENT,
    player        TEXT    NOT NULL,
    links         TEXT    NOT NULL,
    contact       TEXT    NOT NULL,
    message       TEXT    NOT NULL,
    created_at_ms INTEGER NOT NULL
) STRICT;

-- From now on what is deleted is overwritten. What was deleted before may still lie in unused parts of the file: the next
-- start writes it anew, as it does when ids of fights were replaced.
UPDATE upkeep SET state = 1 WHERE name = 'encounter_ids' AND state = 2 AND EXISTS (SELECT 1 FROM raids);
