-- Maintenance windows: times during which no alert goes out, and what their end still has to tell.
-- SQLite's half; the other database's file of the same name makes the same tables.

-- A window covers its whole project, or the checks in maintenance_checks and those that have one of
-- the tags in maintenance_tags. whole_project stands here of its own: a window whose last check was
-- deleted must not come to cover everything. starts_at and ends_at may be empty beside repeat alone.
CREATE TABLE maintenance_windows (
    maintenance_id INTEGER PRIMARY KEY AUTOINCREMENT,
    project_id INTEGER NOT NULL REFERENCES projects (project_id) ON DELETE CASCADE,
    title TEXT NOT NULL,
    starts_at INTEGER,
    ends_at INTEGER,
    repeat TEXT,
    duration INTEGER,
    whole_project INTEGER NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX maintenance_windows_project ON maintenance_windows (project_id, ends_at);
CREATE INDEX maintenance_windows_end ON maintenance_windows (ends_at);

CREATE TABLE maintenance_checks (
    maintenance_id INTEGER NOT NULL REFERENCES maintenance_windows (maintenance_id) ON DELETE CASCADE,
    check_id INTEGER NOT NULL REFERENCES checks (check_id) ON DELETE CASCADE,
    PRIMARY KEY (maintenance_id, check_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX maintenance_checks_check ON maintenance_checks (check_id);

CREATE TABLE maintenance_tags (
    maintenance_id INTEGER NOT NULL REFERENCES maintenance_windows (maintenance_id) ON DELETE CASCADE,
    tag TEXT NOT NULL,
    PRIMARY KEY (maintenance_id, tag)
) STRICT, WITHOUT ROWID;

-- muted: a window kept it back. held_until: when to look whether it has to be told after all; empty
-- once that was done.
ALTER TABLE notifications ADD COLUMN muted INTEGER NOT NULL DEFAULT 0;
ALTER TABLE notifications ADD COLUMN held_until INTEGER;
CREATE INDEX notifications_held ON notifications (held_until) WHERE held_until IS NOT NULL;
CREATE INDEX notifications_held_check ON notifications (check_id) WHERE held_until IS NOT NULL;
