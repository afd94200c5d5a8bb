-- Which reports are of one fight, seen by several: derived as the tables of 0010 are, of the same reports, and made again
-- with them. When a fight was, from its first combat event to its last, Unix ms: those that begin or end together are
-- compared.
CREATE TABLE fight_times (
    encounter   INTEGER PRIMARY KEY REFERENCES encounters (row) ON DELETE CASCADE,
    first_at_ms INTEGER NOT NULL,
    last_at_ms  INTEGER NOT NULL
) STRICT;

CREATE INDEX fights_by_first ON fight_times (first_at_ms, last_at_ms);
CREATE INDEX fights_by_last ON fight_times (last_at_ms, first_at_ms);

-- Each pair both ways. `overlap_ms` is the time they have in common, `apart_ms` how far their edges are apart together.
CREATE TABLE same_fights (
    encounter  INTEGER NOT NULL REFERENCES encounters (row) ON DELETE CASCADE,
    other      INTEGER NOT NULL REFERENCES encounters (row) ON DELETE CASCADE,
    overlap_ms INTEGER NOT NULL,
    apart_ms   INTEGER NOT NULL,
    PRIMARY KEY (encounter, other)
) STRICT, WITHOUT ROWID;

CREATE INDEX same_fights_of_other ON same_fights (other);

-- All that is kept already is still to be derived.
INSERT INTO jobs (kind, account, name, data, created_at_ms, due_at_ms)
SELECT 1, account, CAST(printf('%010x%06x', row, revision) AS BLOB), CAST(report_id AS BLOB), kept_at_ms, 0
FROM encounters WHERE kept_at_ms IS NOT NULL ON CONFLICT DO NOTHING;
