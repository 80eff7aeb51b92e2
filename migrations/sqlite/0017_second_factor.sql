-- SQLite's half; the other database's file of the same name makes the same tables.
-- The secret of a user's authenticator app, encrypted, and the latest of its codes that was taken: none
-- is taken twice.
CREATE TABLE authenticators (
    user_id INTEGER NOT NULL PRIMARY KEY REFERENCES users (user_id) ON DELETE CASCADE,
    sealed_secret TEXT NOT NULL,
    last_step INTEGER NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;

-- Codes for who has lost it, each good once; only their hashes are kept.
CREATE TABLE recovery_codes (
    user_id INTEGER NOT NULL REFERENCES users (user_id) ON DELETE CASCADE,
    code_hash TEXT NOT NULL,
    PRIMARY KEY (user_id, code_hash)
) STRICT;
