-- Whether nothing of an uploaded fight could be taken: its report says why, and lists show that it is none like the others.
ALTER TABLE encounters ADD COLUMN stub BOOLEAN NOT NULL DEFAULT FALSE;

-- From here on boss_damage, damage_taken and deaths are -1 where the fight's source does not tell them.
