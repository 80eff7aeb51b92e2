-- Status pages: chosen checks, shown to anybody who knows the address.
-- SQLite's half; the other database's file of the same name makes the same tables.

CREATE TABLE status_pages (
    status_page_id INTEGER PRIMARY KEY AUTOINCREMENT,
    project_id INTEGER NOT NULL REFERENCES projects (project_id) ON DELETE CASCADE,
    slug TEXT NOT NULL UNIQUE,
    title TEXT NOT NULL,
    text TEXT NOT NULL,
    public INTEGER NOT NULL,
    badge_token TEXT NOT NULL UNIQUE,
    created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX status_pages_project ON status_pages (project_id, status_page_id);

CREATE TABLE status_page_checks (
    status_page_id INTEGER NOT NULL REFERENCES status_pages (status_page_id) ON DELETE CASCADE,
    check_id INTEGER NOT NULL REFERENCES checks (check_id) ON DELETE CASCADE,
    PRIMARY KEY (status_page_id, check_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX status_page_checks_check ON status_page_checks (check_id);

CREATE TABLE status_page_tags (
    status_page_id INTEGER NOT NULL REFERENCES status_pages (status_page_id) ON DELETE CASCADE,
    tag TEXT NOT NULL,
    PRIMARY KEY (status_page_id, tag)
) STRICT, WITHOUT ROWID;

-- What people say on a page about what goes on; open until it is resolved.
CREATE TABLE status_notices (
    notice_id INTEGER PRIMARY KEY AUTOINCREMENT,
    status_page_id INTEGER NOT NULL REFERENCES status_pages (status_page_id) ON DELETE CASCADE,
    at INTEGER NOT NULL,
    text TEXT NOT NULL,
    resolved_at INTEGER
) STRICT;
CREATE INDEX status_notices_page ON status_notices (status_page_id, notice_id);
