-- SQLite's half; the other database's file of the same name makes the same tables.
-- What is probed from here. Each is a check that the server pings itself: its state, its flips and
-- whom it tells are the check's. kind: device or blacklist; settings: JSON, the domain's; results: JSON,
-- the latest of each probe; against: so many results in a row that speak against the verdict. Who
-- probes holds lease_id until lease_until.
CREATE TABLE monitors (
    monitor_id INTEGER PRIMARY KEY AUTOINCREMENT,
    check_id INTEGER NOT NULL UNIQUE REFERENCES checks (check_id) ON DELETE CASCADE,
    user_id INTEGER NOT NULL REFERENCES users (user_id) ON DELETE CASCADE,
    kind TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    settings TEXT NOT NULL,
    is_enabled INTEGER NOT NULL,
    interval_seconds INTEGER NOT NULL,
    verdict TEXT NOT NULL,
    against INTEGER NOT NULL,
    results TEXT NOT NULL,
    last_error TEXT,
    last_checked_at INTEGER,
    pinged_at INTEGER,
    next_at INTEGER NOT NULL,
    lease_id TEXT,
    lease_until INTEGER,
    created_at INTEGER NOT NULL,
    UNIQUE (user_id, kind, fingerprint)
) STRICT;
CREATE INDEX monitors_due ON monitors (next_at) WHERE is_enabled = 1;
