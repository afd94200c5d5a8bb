-- Who said that a player is hidden. 1: an administrator: whose character it is shows it no more by himself. Whom nobody holds
-- who could have said it, an administrator has hidden, or one who is gone.
ALTER TABLE opt_outs ADD COLUMN by_administrator INTEGER NOT NULL DEFAULT 0 CHECK (by_administrator IN (0, 1));
UPDATE opt_outs SET by_administrator = 1 WHERE player NOT IN (SELECT player FROM characters);

-- Two claims of somebody may be of one player: where the second took the first one's place, that told him what is one player.
CREATE TABLE claims_anew (
    row           INTEGER PRIMARY KEY AUTOINCREMENT,
    person        INTEGER NOT NULL REFERENCES people (row) ON DELETE CASCADE,
    player        TEXT    NOT NULL CHECK (length(player) = 32),
    called        TEXT    NOT NULL,
    way           INTEGER NOT NULL CHECK (way BETWEEN 0 AND 2),
    code          TEXT,
    created_at_ms INTEGER NOT NULL,
    ends_at_ms    INTEGER NOT NULL
) STRICT;
INSERT INTO claims_anew SELECT row, person, player, called, way, code, created_at_ms, ends_at_ms FROM claims;
INSERT INTO sqlite_sequence (name, seq)
SELECT 'claims_anew', 0 WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = 'claims_anew');
UPDATE sqlite_sequence SET seq = max(seq, coalesce((SELECT s.seq FROM sqlite_sequence s WHERE s.name = 'claims'), 0))
WHERE name = 'claims_anew';
DROP TABLE claims;
ALTER TABLE claims_anew RENAME TO claims;
CREATE INDEX claims_of_person ON claims (person);

-- Nobody can confirm a claim that an officer is to confirm and that has no code; and to be named takes an administrator.
DELETE FROM claims WHERE way = 1 AND code IS NULL;
UPDATE characters SET agrees = 0 WHERE way <> 2;
