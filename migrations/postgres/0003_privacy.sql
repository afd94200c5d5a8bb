-- Which tickets are good: those of this number. Counted on when the uploader renews them, which ends those before.
ALTER TABLE raids ADD COLUMN tickets BIGINT NOT NULL DEFAULT 0;
-- The same for the account's channel.
ALTER TABLE accounts ADD COLUMN tickets BIGINT NOT NULL DEFAULT 0;

-- What is done once to all that lies here, and how far it is.
--   encounter_ids  0 as clients make them, 1 keyed, 2 keyed and the old ones wiped from the table
CREATE TABLE upkeep (
    name  TEXT COLLATE "C" PRIMARY KEY,
    state BIGINT NOT NULL
);

INSERT INTO upkeep (name, state) VALUES ('encounter_ids', 0);
