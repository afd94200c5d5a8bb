-- What lists, search and statistics ask of kept reports, derived from these: `raidcast-relay derive --rebuild` empties the
-- three tables and fills them again. Columns are named as the original design names them; what it has of a whole encounter
-- stands in `encounters`, and time lines stay in the log. `number` counts from 0 in the order of the report; NULL is what
-- the source cannot know.
--   skill_type  0 damage, 1 healing
CREATE TABLE encounter_bosses (
    encounter    INTEGER NOT NULL REFERENCES encounters (row) ON DELETE CASCADE,
    number       INTEGER NOT NULL,
    boss_name    TEXT    NOT NULL,
    monster_id   INTEGER,
    total_damage INTEGER NOT NULL,
    hits         INTEGER NOT NULL,
    max_hp       INTEGER,
    defeated     INTEGER CHECK (defeated IN (0, 1)),
    PRIMARY KEY (encounter, number)
) STRICT, WITHOUT ROWID;

-- `actor_id` is the player's key, as the report has it.
CREATE TABLE encounter_players (
    encounter         INTEGER NOT NULL REFERENCES encounters (row) ON DELETE CASCADE,
    number            INTEGER NOT NULL,
    actor_id          TEXT    NOT NULL,
    name              TEXT,
    class_id          INTEGER,
    class_spec        INTEGER,
    ability_score     INTEGER,
    level             INTEGER,
    is_local          INTEGER NOT NULL CHECK (is_local IN (0, 1)),
    damage_dealt      INTEGER NOT NULL,
    boss_damage_dealt INTEGER,
    heal_dealt        INTEGER NOT NULL,
    damage_taken      INTEGER,
    hits_dealt        INTEGER NOT NULL,
    hits_heal         INTEGER NOT NULL,
    crit_hits_dealt   INTEGER,
    lucky_hits_dealt  INTEGER,
    deaths            INTEGER,
    PRIMARY KEY (encounter, number)
) STRICT, WITHOUT ROWID;

-- `player` is the number of its player, `skill` its place among that one's skills.
CREATE TABLE player_skills (
    encounter   INTEGER NOT NULL REFERENCES encounters (row) ON DELETE CASCADE,
    player      INTEGER NOT NULL,
    skill       INTEGER NOT NULL,
    skill_id    INTEGER NOT NULL,
    variant_id  INTEGER,
    skill_name  TEXT,
    skill_type  INTEGER NOT NULL CHECK (skill_type BETWEEN 0 AND 1),
    total_value INTEGER NOT NULL,
    hits        INTEGER NOT NULL,
    crit_hits   INTEGER,
    lucky_hits  INTEGER,
    max_value   INTEGER,
    PRIMARY KEY (encounter, player, skill)
) STRICT, WITHOUT ROWID;

DROP INDEX jobs_due;
CREATE INDEX jobs_due ON jobs (kind, due_at_ms);

-- All that is kept already is still to be derived.
INSERT INTO jobs (kind, account, name, data, created_at_ms, due_at_ms)
SELECT 1, account, CAST(printf('%010x%06x', row, revision) AS BLOB), CAST(report_id AS BLOB), kept_at_ms, 0
FROM encounters WHERE kept_at_ms IS NOT NULL;
