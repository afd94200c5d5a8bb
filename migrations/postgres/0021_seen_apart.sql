-- What is live and reports may be seen by others each. `visibility` of a raid is of what is live from now on; of an encounter,
-- of its report.
--   report_visibility  who may see the raid's reports, NULL: as the raid
--   said_…             what the raid's client said, where somebody set it otherwise since; NULL where nobody did. Of
--                      said_report_visibility NULL means the same as above
ALTER TABLE raids ADD COLUMN report_visibility BIGINT CHECK (report_visibility BETWEEN 0 AND 2);
ALTER TABLE raids ADD COLUMN said_visibility BIGINT CHECK (said_visibility BETWEEN 0 AND 2);
ALTER TABLE raids ADD COLUMN said_report_visibility BIGINT CHECK (said_report_visibility BETWEEN 0 AND 2);
