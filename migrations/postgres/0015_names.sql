-- Which names spectators of a raid see. A raid that was here before shows all.
--   names  0 full, 1 class and number, 2 none but of those who agreed
-- `listed` of a term: the ones that lead to a player (the own one and that of the name) are listed from now on only where the
-- raid's names are full as well.
ALTER TABLE raids ADD COLUMN names SMALLINT NOT NULL DEFAULT 0 CHECK (names BETWEEN 0 AND 2);

-- In a raid that hides names a player is shown by a number; once given it stays. Numbers count from 1 and leave none out.
-- `player` is the player's id in logs.
CREATE TABLE raid_players (
    raid   BIGINT NOT NULL REFERENCES raids (row) ON DELETE CASCADE,
    player BYTEA  NOT NULL CHECK (octet_length(player) = 16),
    number BIGINT NOT NULL CHECK (number >= 1),
    PRIMARY KEY (raid, player),
    UNIQUE (raid, number)
);
