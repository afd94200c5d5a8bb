-- What was left open of what is removed on purpose.
-- A reading that waits names its fight from now on also where it was written before 0017: its data begin with the fight's id,
-- an array of 16 numbers as MessagePack has them, of which those from 128 on take two bytes.
UPDATE jobs SET encounter_id = (
    SELECT coded.encounter_id FROM (
        SELECT encounter_id,
                   CASE WHEN substr(h, 1, 1) >= '8' COLLATE "C" THEN 'cc' ELSE '' END || substr(h, 1, 2) ||
                   CASE WHEN substr(h, 3, 1) >= '8' COLLATE "C" THEN 'cc' ELSE '' END || substr(h, 3, 2) ||
                   CASE WHEN substr(h, 5, 1) >= '8' COLLATE "C" THEN 'cc' ELSE '' END || substr(h, 5, 2) ||
                   CASE WHEN substr(h, 7, 1) >= '8' COLLATE "C" THEN 'cc' ELSE '' END || substr(h, 7, 2) ||
                   CASE WHEN substr(h, 9, 1) >= '8' COLLATE "C" THEN 'cc' ELSE '' END || substr(h, 9, 2) ||
                   CASE WHEN substr(h, 11, 1) >= '8' COLLATE "C" THEN 'cc' ELSE '' END || substr(h, 11, 2) ||
                   CASE WHEN substr(h, 13, 1) >= '8' COLLATE "C" THEN 'cc' ELSE '' END || substr(h, 13, 2) ||
                   CASE WHEN substr(h, 15, 1) >= '8' COLLATE "C" THEN 'cc' ELSE '' END || substr(h, 15, 2) ||
                   CASE WHEN substr(h, 17, 1) >= '8' COLLATE "C" THEN 'cc' ELSE '' END || substr(h, 17, 2) ||
                   CASE WHEN substr(h, 19, 1) >= '8' COLLATE "C" THEN 'cc' ELSE '' END || substr(h, 19, 2) ||
                   CASE WHEN substr(h, 21, 1) >= '8' COLLATE "C" THEN 'cc' ELSE '' END || substr(h, 21, 2) ||
                   CASE WHEN substr(h, 23, 1) >= '8' COLLATE "C" THEN 'cc' ELSE '' END || substr(h, 23, 2) ||
                   CASE WHEN substr(h, 25, 1) >= '8' COLLATE "C" THEN 'cc' ELSE '' END || substr(h, 25, 2) ||
                   CASE WHEN substr(h, 27, 1) >= '8' COLLATE "C" THEN 'cc' ELSE '' END || substr(h, 27, 2) ||
                   CASE WHEN substr(h, 29, 1) >= '8' COLLATE "C" THEN 'cc' ELSE '' END || substr(h, 29, 2) ||
                   CASE WHEN substr(h, 31, 1) >= '8' COLLATE "C" THEN 'cc' ELSE '' END || substr(h, 31, 2) AS id
        FROM (SELECT uuid_send(e.encounter_id) AS encounter_id, encode(uuid_send(e.encounter_id), 'hex') AS h FROM encounters e WHERE e.account = jobs.account) hexed
    ) coded
    WHERE substr(encode(substr(jobs.data, 15, 32), 'hex'), 1, length(coded.id)) = coded.id
)
WHERE kind = 0 AND encounter_id IS NULL AND substr(data, 2, 13) = '\xA9656E636F756E746572DC0010'::BYTEA;

-- By which key it was done, where it was no page: `keys.row`; no other key ever gets it.
ALTER TABLE audit ADD COLUMN key BIGINT;
