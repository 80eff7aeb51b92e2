-- SQLite's half; the other database's file of the same name makes the same tables.
-- The device that a check's job runs on. Where a ping is missing, it is probed at once, and what is
-- seen goes into the alert of the flip: seen is up, down or unknown, and null until it was looked at.
ALTER TABLE checks ADD COLUMN device_id INTEGER REFERENCES monitors (monitor_id) ON DELETE SET NULL;
CREATE INDEX checks_device ON checks (device_id) WHERE device_id IS NOT NULL;
CREATE TABLE host_looks (
    flip_id INTEGER PRIMARY KEY REFERENCES flips (flip_id) ON DELETE CASCADE,
    monitor_id INTEGER NOT NULL REFERENCES monitors (monitor_id) ON DELETE CASCADE,
    asked_at INTEGER NOT NULL,
    seen TEXT,
    error TEXT
) STRICT;
CREATE INDEX host_looks_open ON host_looks (monitor_id) WHERE seen IS NULL;
CREATE INDEX host_looks_monitor ON host_looks (monitor_id);
