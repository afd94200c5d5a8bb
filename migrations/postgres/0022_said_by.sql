-- Who said that a player is hidden. True: an administrator: whose character it is shows it no more by himself. Whom nobody
-- holds who could have said it, an administrator has hidden, or one who is gone.
ALTER TABLE opt_outs ADD COLUMN by_administrator BOOLEAN NOT NULL DEFAULT FALSE;
UPDATE opt_outs SET by_administrator = TRUE WHERE player NOT IN (SELECT player FROM characters);

-- Two claims of somebody may be of one player: where the second took the first one's place, that told him what is one player.
ALTER TABLE claims DROP CONSTRAINT claims_person_player_key;
CREATE INDEX claims_of_person ON claims (person);

-- Nobody can confirm a claim that an officer is to confirm and that has no code; and to be named takes an administrator.
DELETE FROM claims WHERE way = 1 AND code IS NULL;
UPDATE characters SET agrees = FALSE WHERE way <> 2;
