-- SQLite's half; the other database's file of the same name makes the same tables.
-- Who signs in by a provider of OpenID Connect: its issuer, whom that calls so, and our user.
CREATE TABLE identities (
    identity_id INTEGER PRIMARY KEY AUTOINCREMENT,
    issuer TEXT NOT NULL,
    subject TEXT NOT NULL,
    user_id INTEGER NOT NULL REFERENCES users (user_id) ON DELETE CASCADE,
    email TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    last_used_at INTEGER NOT NULL,
    UNIQUE (issuer, subject),
    -- One account is one person there.
    UNIQUE (user_id, issuer)
) STRICT;
