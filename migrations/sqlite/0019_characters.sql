-- Whose characters are, and which players want to be shown otherwise than their raids show them. `player` is the player's id
-- in logs, in hexadecimal, as in encounter_players.
-- Who says that a character is his, and how he is to prove it: `way` 0 by a code in its name, 1 by the word of who uploads,
-- 2 by an administrator's. `called` is his own word for it. Numbers of claims are known outside: AUTOINCREMENT.
CREATE TABLE claims (
    row           INTEGER PRIMARY KEY AUTOINCREMENT,
    person        INTEGER NOT NULL REFERENCES people (row) ON DELETE CASCADE,
    player        TEXT    NOT NULL CHECK (length(player) = 32),
    called        TEXT    NOT NULL,
    way           INTEGER NOT NULL CHECK (way BETWEEN 0 AND 2),
    code          TEXT,
    created_at_ms INTEGER NOT NULL,
    ends_at_ms    INTEGER NOT NULL,
    UNIQUE (person, player)
) STRICT;

-- What was proved: a character is one person's. `agrees`: he is shown by name where only those are who agreed.
CREATE TABLE characters (
    row          INTEGER PRIMARY KEY AUTOINCREMENT,
    person       INTEGER NOT NULL REFERENCES people (row) ON DELETE CASCADE,
    player       TEXT    NOT NULL UNIQUE CHECK (length(player) = 32),
    called       TEXT    NOT NULL,
    way          INTEGER NOT NULL CHECK (way BETWEEN 0 AND 2),
    agrees       INTEGER NOT NULL DEFAULT 0 CHECK (agrees IN (0, 1)),
    proved_at_ms INTEGER NOT NULL
) STRICT;

CREATE INDEX characters_of_person ON characters (person);

-- Players who are shown by name to nobody, wherever they are. They stay so when the person goes who wanted it.
CREATE TABLE opt_outs (
    player   TEXT    NOT NULL PRIMARY KEY CHECK (length(player) = 32),
    since_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- The fights of a player.
CREATE INDEX encounter_players_by_actor ON encounter_players (actor_id);

-- 1: its title was cleared for good: it gets no other.
ALTER TABLE raids ADD COLUMN title_cleared INTEGER NOT NULL DEFAULT 0 CHECK (title_cleared IN (0, 1));
