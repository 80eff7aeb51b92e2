-- SQLite's half; the other database's file of the same name makes the same tables.
-- What programs sign their requests of the job list with. The id is told in the open; the secret is
-- needed to check signatures, and so lies encrypted. A key that is revoked is gone.
CREATE TABLE access_keys (
    access_key_id INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id INTEGER NOT NULL REFERENCES users (user_id) ON DELETE CASCADE,
    access_key TEXT NOT NULL UNIQUE,
    sealed_secret_key TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    last_used_at INTEGER
) STRICT;
CREATE INDEX access_keys_user ON access_keys (user_id, access_key_id);

-- The serial numbers of the pings between which a run lies: of its start, and of the last one before
-- its end or at it. Runs from before these columns have none.
ALTER TABLE runs ADD COLUMN start_n INTEGER;
ALTER TABLE runs ADD COLUMN end_n INTEGER;

-- How many of a check's runs are kept up to the run up_to: the janitor moves it on, so that who asks
-- how many there are counts but the few behind it, and no ping pays for it.
CREATE TABLE run_counts (
    check_id INTEGER NOT NULL PRIMARY KEY REFERENCES checks (check_id) ON DELETE CASCADE,
    up_to INTEGER NOT NULL,
    counted INTEGER NOT NULL
) STRICT;
