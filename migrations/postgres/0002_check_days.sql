-- What is kept for good of each check's past: sums for each day in UTC, to which retention adds the
-- pings, runs and flips that it takes away. A day is counted from the epoch; times are
-- microseconds; runs are those that were timed. down_before is 1 where the check was down when the
-- day began. The rows of deleted checks are taken away by the janitor, like their pings.
CREATE TABLE check_days (
    check_id BIGINT NOT NULL,
    day BIGINT NOT NULL,
    success BIGINT NOT NULL,
    start BIGINT NOT NULL,
    fail BIGINT NOT NULL,
    log BIGINT NOT NULL,
    ign BIGINT NOT NULL,
    runs BIGINT NOT NULL,
    run_total BIGINT NOT NULL,
    run_max BIGINT NOT NULL,
    up_time BIGINT NOT NULL,
    down_time BIGINT NOT NULL,
    downs BIGINT NOT NULL,
    down_before BIGINT NOT NULL,
    PRIMARY KEY (check_id, day)
);
