-- The tables of Overdue. Times are microseconds since the epoch, durations of runs microseconds,
-- periods and graces seconds, flags 0 or 1. SQLite's half; the
-- other database's file of the same name makes the same tables.

CREATE TABLE settings (
    name TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
) STRICT;

CREATE TABLE users (
    user_id INTEGER PRIMARY KEY AUTOINCREMENT,
    email TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    timezone TEXT NOT NULL,
    password_hash TEXT NOT NULL,
    is_admin INTEGER NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE tokens (
    token_id INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id INTEGER NOT NULL REFERENCES users (user_id) ON DELETE CASCADE,
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    jti TEXT NOT NULL UNIQUE,
    scopes TEXT NOT NULL,
    allowed_ips TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    revoked INTEGER NOT NULL,
    last_used_at INTEGER
) STRICT;
CREATE UNIQUE INDEX tokens_subject ON tokens (user_id, subject) WHERE kind = 'api';

CREATE TABLE requests (
    request_row_id INTEGER PRIMARY KEY AUTOINCREMENT,
    at INTEGER NOT NULL,
    user_id INTEGER NOT NULL REFERENCES users (user_id) ON DELETE CASCADE,
    subject TEXT NOT NULL,
    method TEXT NOT NULL,
    path TEXT NOT NULL,
    status INTEGER NOT NULL,
    remote_address TEXT NOT NULL,
    request_id TEXT NOT NULL
) STRICT;
CREATE INDEX requests_user ON requests (user_id, request_row_id);
CREATE INDEX requests_at ON requests (at);

CREATE TABLE projects (
    project_id INTEGER PRIMARY KEY AUTOINCREMENT,
    uuid TEXT NOT NULL UNIQUE,
    project_name TEXT NOT NULL,
    ping_key TEXT NOT NULL UNIQUE,
    auto_create INTEGER NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE members (
    project_id INTEGER NOT NULL REFERENCES projects (project_id) ON DELETE CASCADE,
    user_id INTEGER NOT NULL REFERENCES users (user_id) ON DELETE CASCADE,
    role TEXT NOT NULL,
    since INTEGER NOT NULL,
    PRIMARY KEY (project_id, user_id)
) STRICT;
CREATE INDEX members_user ON members (user_id);

CREATE TABLE channels (
    channel_id INTEGER PRIMARY KEY AUTOINCREMENT,
    project_id INTEGER NOT NULL REFERENCES projects (project_id) ON DELETE CASCADE,
    uuid TEXT NOT NULL UNIQUE,
    channel_name TEXT NOT NULL,
    kind TEXT NOT NULL,
    sealed_config TEXT NOT NULL,
    on_down INTEGER NOT NULL,
    on_up INTEGER NOT NULL,
    after_minutes INTEGER NOT NULL,
    remind_every INTEGER NOT NULL,
    group_threshold INTEGER NOT NULL,
    disabled INTEGER NOT NULL,
    last_error TEXT,
    last_sent_at INTEGER,
    created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX channels_project ON channels (project_id);

-- What a check is called and described by: read by people, never changed by a ping.
CREATE TABLE checks (
    check_id INTEGER PRIMARY KEY AUTOINCREMENT,
    project_id INTEGER NOT NULL REFERENCES projects (project_id) ON DELETE CASCADE,
    uuid TEXT NOT NULL UNIQUE,
    check_name TEXT NOT NULL,
    slug TEXT NOT NULL,
    slug_is_custom INTEGER NOT NULL,
    tags TEXT NOT NULL,
    search_text TEXT NOT NULL,
    description TEXT NOT NULL,
    start_kw TEXT NOT NULL,
    success_kw TEXT NOT NULL,
    failure_kw TEXT NOT NULL,
    filter_subject INTEGER NOT NULL,
    filter_body INTEGER NOT NULL,
    filter_http_body INTEGER NOT NULL,
    filter_default_fail INTEGER NOT NULL,
    flap_threshold INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;
CREATE INDEX checks_slug ON checks (project_id, slug);

-- What decides states and deadlines: the one narrow row that a ping reads and writes. wake_at is
-- never later than alert_at and is the only column of it that is indexed: pings move the deadline
-- later all the time, and need not touch the index for that.
CREATE TABLE check_states (
    check_id INTEGER NOT NULL PRIMARY KEY REFERENCES checks (check_id) ON DELETE CASCADE,
    kind TEXT NOT NULL,
    period INTEGER NOT NULL,
    schedule TEXT NOT NULL,
    timezone TEXT NOT NULL,
    grace INTEGER NOT NULL,
    max_runtime INTEGER,
    early_tolerance INTEGER,
    failure_threshold INTEGER NOT NULL,
    manual_resume INTEGER NOT NULL,
    post_only INTEGER NOT NULL,
    filtered INTEGER NOT NULL,
    status TEXT NOT NULL,
    failures INTEGER NOT NULL,
    n_pings INTEGER NOT NULL,
    n_flips INTEGER NOT NULL,
    open_runs INTEGER NOT NULL,
    base_at INTEGER,
    put_off_to INTEGER,
    last_ping_at INTEGER,
    last_start_at INTEGER,
    last_duration INTEGER,
    next_ping_at INTEGER,
    alert_at INTEGER,
    wake_at INTEGER
) STRICT;
CREATE INDEX check_states_wake ON check_states (wake_at) WHERE wake_at IS NOT NULL;

CREATE TABLE check_channels (
    check_id INTEGER NOT NULL REFERENCES checks (check_id) ON DELETE CASCADE,
    channel_id INTEGER NOT NULL REFERENCES channels (channel_id) ON DELETE CASCADE,
    PRIMARY KEY (check_id, channel_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX check_channels_channel ON check_channels (channel_id);

-- kind: 0 success, 1 start, 2 fail, 3 log, 4 ign. method: 0 HEAD, 1 GET, 2 POST. scheme: 0 http,
-- 1 https. The bodies stand in a table of their own, so that lists of pings stay small.
CREATE TABLE pings (
    check_id INTEGER NOT NULL,
    n INTEGER NOT NULL,
    at INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    exit_status INTEGER,
    rid TEXT,
    scheme INTEGER NOT NULL,
    method INTEGER NOT NULL,
    remote_address TEXT NOT NULL,
    user_agent TEXT NOT NULL,
    body_size INTEGER NOT NULL,
    duration INTEGER,
    PRIMARY KEY (check_id, n)
) STRICT, WITHOUT ROWID;

CREATE TABLE ping_bodies (
    check_id INTEGER NOT NULL,
    n INTEGER NOT NULL,
    body BLOB NOT NULL,
    PRIMARY KEY (check_id, n)
) STRICT;

-- Checks that are gone and whose pings have not been taken away yet.
CREATE TABLE deleted_checks (
    check_id INTEGER NOT NULL PRIMARY KEY
) STRICT;

CREATE TABLE runs (
    run_id INTEGER PRIMARY KEY AUTOINCREMENT,
    check_id INTEGER NOT NULL REFERENCES checks (check_id) ON DELETE CASCADE,
    rid TEXT,
    started_at INTEGER NOT NULL,
    finished_at INTEGER,
    duration INTEGER,
    result TEXT NOT NULL,
    exit_status INTEGER,
    put_off_to INTEGER
) STRICT;
CREATE INDEX runs_check ON runs (check_id, run_id);
CREATE INDEX runs_open ON runs (check_id) WHERE finished_at IS NULL;

CREATE TABLE flips (
    flip_id INTEGER PRIMARY KEY AUTOINCREMENT,
    check_id INTEGER NOT NULL REFERENCES checks (check_id) ON DELETE CASCADE,
    n INTEGER NOT NULL,
    at INTEGER NOT NULL,
    from_status TEXT NOT NULL,
    to_status TEXT NOT NULL,
    reason TEXT NOT NULL,
    ping_n INTEGER,
    expected_at INTEGER,
    UNIQUE (check_id, n)
) STRICT;

-- The outbox. A pending row is sent by whoever holds its lease, and stays until it was sent,
-- given up or suppressed.
CREATE TABLE notifications (
    notification_id INTEGER PRIMARY KEY AUTOINCREMENT,
    project_id INTEGER NOT NULL REFERENCES projects (project_id) ON DELETE CASCADE,
    channel_id INTEGER NOT NULL REFERENCES channels (channel_id) ON DELETE CASCADE,
    check_id INTEGER REFERENCES checks (check_id) ON DELETE CASCADE,
    flip_id INTEGER REFERENCES flips (flip_id) ON DELETE CASCADE,
    event TEXT NOT NULL,
    detail TEXT,
    state TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    next_attempt_at INTEGER,
    sent_at INTEGER,
    last_error TEXT,
    lease_owner TEXT,
    lease_until INTEGER
) STRICT;
CREATE INDEX notifications_pending ON notifications (channel_id, next_attempt_at) WHERE state = 'pending';
CREATE INDEX notifications_order ON notifications (check_id, channel_id, flip_id) WHERE state = 'pending';
CREATE INDEX notifications_due ON notifications (next_attempt_at) WHERE state = 'pending';
CREATE INDEX notifications_check ON notifications (check_id, notification_id);
CREATE INDEX notifications_project ON notifications (project_id, notification_id);
CREATE INDEX notifications_channel ON notifications (channel_id, notification_id);
CREATE INDEX notifications_flip ON notifications (flip_id);

-- What the server itself did to a check, for its event log.
CREATE TABLE check_events (
    event_id INTEGER PRIMARY KEY AUTOINCREMENT,
    check_id INTEGER NOT NULL REFERENCES checks (check_id) ON DELETE CASCADE,
    at INTEGER NOT NULL,
    kind TEXT NOT NULL,
    text TEXT NOT NULL
) STRICT;
CREATE INDEX check_events_check ON check_events (check_id, event_id);

-- One row a running process, touched every two seconds.
CREATE TABLE nodes (
    node_id TEXT NOT NULL PRIMARY KEY,
    started_at INTEGER NOT NULL,
    heartbeat_at INTEGER NOT NULL
) STRICT;

-- Times during which no process was there to take pings.
CREATE TABLE outages (
    outage_id INTEGER PRIMARY KEY AUTOINCREMENT,
    from_at INTEGER NOT NULL UNIQUE,
    to_at INTEGER NOT NULL
) STRICT;
CREATE INDEX outages_to ON outages (to_at);
