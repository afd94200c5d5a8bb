-- What accounts have used of their limits: written now and then, and read at a start. `what` names a limit; it is used up
-- to `used` since `since_ms`.
CREATE TABLE quota (
    account  BIGINT NOT NULL,
    what     TEXT   NOT NULL,
    since_ms BIGINT NOT NULL,
    used     BIGINT NOT NULL,
    PRIMARY KEY (account, what)
);
