-- What is kept for good of each check's past: sums for each day in UTC, to which retention adds the
-- pings, runs and flips that it takes away. A day is counted from the epoch; times are
-- microseconds; runs are those that were timed. down_before is 1 where the check was down when the
-- day began. The rows of deleted checks are taken away by the janitor, like their pings.
CREATE TABLE check_days (
    check_id INTEGER NOT NULL,
    day INTEGER NOT NULL,
    success INTEGER NOT NULL,
    start INTEGER NOT NULL,
    fail INTEGER NOT NULL,
    log INTEGER NOT NULL,
    ign INTEGER NOT NULL,
    runs INTEGER NOT NULL,
    run_total INTEGER NOT NULL,
    run_max INTEGER NOT NULL,
    up_time INTEGER NOT NULL,
    down_time INTEGER NOT NULL,
    downs INTEGER NOT NULL,
    down_before INTEGER NOT NULL,
    PRIMARY KEY (check_id, day)
) STRICT, WITHOUT ROWID;
