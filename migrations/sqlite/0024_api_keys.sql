-- SQLite's half; the other database's file of the same name makes the same tables.
-- The keys of the Healthchecks dialect. The key itself is not kept; hint is its beginning, by which
-- people know it again.
CREATE TABLE api_keys (
    api_key_id INTEGER PRIMARY KEY AUTOINCREMENT,
    project_id INTEGER NOT NULL REFERENCES projects (project_id) ON DELETE CASCADE,
    key_hash TEXT NOT NULL UNIQUE,
    hint TEXT NOT NULL,
    read_only INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    last_used_at INTEGER
) STRICT;
CREATE INDEX api_keys_project ON api_keys (project_id, api_key_id);

-- What the addresses of badges name a project and a check by; it opens nothing else.
ALTER TABLE projects ADD COLUMN badge_key TEXT;
ALTER TABLE checks ADD COLUMN badge_uuid TEXT;
UPDATE projects SET badge_key = lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-4' || substr(hex(randomblob(2)), 2)
    || '-8' || substr(hex(randomblob(2)), 2) || '-' || hex(randomblob(6)));
UPDATE checks SET badge_uuid = lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-4' || substr(hex(randomblob(2)), 2)
    || '-8' || substr(hex(randomblob(2)), 2) || '-' || hex(randomblob(6)));
CREATE UNIQUE INDEX projects_badge ON projects (badge_key) WHERE badge_key IS NOT NULL;
CREATE UNIQUE INDEX checks_badge ON checks (badge_uuid) WHERE badge_uuid IS NOT NULL;
