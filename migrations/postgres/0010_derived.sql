-- What lists, search and statistics ask of kept reports, derived from these: `raidcast-relay derive --rebuild` empties the
-- three tables and fills them again. Columns are named as the original design names them; what it has of a whole encounter
-- stands in `encounters`, and time lines stay in the log. `number` counts from 0 in the order of the report; NULL is what
-- the source cannot know.
--   skill_type  0 damage, 1 healing
CREATE TABLE encounter_bosses (
    encounter    BIGINT NOT NULL REFERENCES encounters (row) ON DELETE CASCADE,
    number       BIGINT NOT NULL,
    boss_name    TEXT COLLATE "C" NOT NULL,
    monster_id   BIGINT,
    total_damage BIGINT NOT NULL,
    hits         BIGINT NOT NULL,
    max_hp       BIGINT,
    defeated     BOOLEAN,
    PRIMARY KEY (encounter, number)
);

-- `actor_id` is the player's key, as the report has it.
CREATE TABLE encounter_players (
    encounter         BIGINT NOT NULL REFERENCES encounters (row) ON DELETE CASCADE,
    number            BIGINT NOT NULL,
    actor_id          TEXT COLLATE "C" NOT NULL,
    name              TEXT COLLATE "C",
    class_id          BIGINT,
    class_spec        BIGINT,
    ability_score     BIGINT,
    level             BIGINT,
    is_local          BOOLEAN NOT NULL,
    damage_dealt      BIGINT NOT NULL,
    boss_damage_dealt BIGINT,
    heal_dealt        BIGINT NOT NULL,
    damage_taken      BIGINT,
    hits_dealt        BIGINT NOT NULL,
    hits_heal         BIGINT NOT NULL,
    crit_hits_dealt   BIGINT,
    lucky_hits_dealt  BIGINT,
    deaths            BIGINT,
    PRIMARY KEY (encounter, number)
);

-- `player` is the number of its player, `skill` its place among that one's skills.
CREATE TABLE player_skills (
    encounter   BIGINT NOT NULL REFERENCES encounters (row) ON DELETE CASCADE,
    player      BIGINT NOT NULL,
    skill       BIGINT NOT NULL,
    skill_id    BIGINT NOT NULL,
    variant_id  BIGINT,
    skill_name  TEXT COLLATE "C",
    skill_type  BIGINT NOT NULL CHECK (skill_type BETWEEN 0 AND 1),
    total_value BIGINT NOT NULL,
    hits        BIGINT NOT NULL,
    crit_hits   BIGINT,
    lucky_hits  BIGINT,
    max_value   BIGINT,
    PRIMARY KEY (encounter, player, skill)
);

DROP INDEX jobs_due;
CREATE INDEX jobs_due ON jobs (kind, due_at_ms);

-- All that is kept already is still to be derived.
INSERT INTO jobs (kind, account, name, data, created_at_ms, due_at_ms)
SELECT 1, account, convert_to(lpad(to_hex(row), 10, '0') || lpad(to_hex(revision), 6, '0'), 'UTF8'),
       convert_to(report_id, 'UTF8'), kept_at_ms, 0
FROM encounters WHERE kept_at_ms IS NOT NULL;
