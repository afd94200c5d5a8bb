-- From the first damage to the last, ms: what a list's DPS is over. NULL where the report does not tell it.
ALTER TABLE encounters ADD COLUMN damage_ms BIGINT;
