-- Checks that change their state too often, and until when they are quiet unless they change it again.
-- PostgreSQL's half; the other database's file of the same name makes the same tables.
CREATE TABLE flapping (
    check_id BIGINT PRIMARY KEY REFERENCES checks (check_id) ON DELETE CASCADE,
    quiet_until BIGINT NOT NULL
);
-- What else went down at about the same time.
CREATE INDEX flips_at ON flips (at);
