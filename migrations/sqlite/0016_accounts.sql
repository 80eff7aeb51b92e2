-- SQLite's half; the other database's file of the same name makes the same tables.
-- Where a browser's session was opened from.
CREATE TABLE sessions (
    token_id INTEGER NOT NULL PRIMARY KEY REFERENCES tokens (token_id) ON DELETE CASCADE,
    user_agent TEXT NOT NULL,
    address TEXT NOT NULL
) STRICT;
CREATE INDEX tokens_sessions ON tokens (user_id, token_id) WHERE kind = 'session';

-- Links that were sent by mail and hold once: to a new password, or to a new account. Only the hash of
-- what stands in the link is kept.
CREATE TABLE links (
    link_hash TEXT NOT NULL PRIMARY KEY,
    purpose TEXT NOT NULL,
    email TEXT NOT NULL,
    user_id INTEGER REFERENCES users (user_id) ON DELETE CASCADE,
    expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX links_user ON links (user_id);
CREATE INDEX links_end ON links (expires_at);

-- Who was invited to which project, as what and by whom; only the hash of what stands in the link is
-- kept. Who comes takes the row away.
CREATE TABLE invitations (
    invitation_id INTEGER PRIMARY KEY AUTOINCREMENT,
    project_id INTEGER NOT NULL REFERENCES projects (project_id) ON DELETE CASCADE,
    email TEXT NOT NULL,
    role TEXT NOT NULL,
    link_hash TEXT NOT NULL UNIQUE,
    invited_by INTEGER NOT NULL REFERENCES users (user_id) ON DELETE CASCADE,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    UNIQUE (project_id, email)
) STRICT;
CREATE INDEX invitations_inviter ON invitations (invited_by);
CREATE INDEX invitations_end ON invitations (expires_at);
