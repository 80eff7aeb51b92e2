-- SQLite's half; the other database's file of the same name makes the same tables.
-- Passkeys (WebAuthn): what an authenticator calls its key and its user, and the public key with its
-- counter. Nothing in it is secret.
CREATE TABLE passkeys (
    passkey_id INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id INTEGER NOT NULL REFERENCES users (user_id) ON DELETE CASCADE,
    credential_id TEXT NOT NULL UNIQUE,
    user_handle TEXT NOT NULL,
    name TEXT NOT NULL,
    credential TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    last_used_at INTEGER
) STRICT;
CREATE INDEX passkeys_user ON passkeys (user_id, passkey_id);

-- Challenges that were answered: none is taken twice. Kept until they would have ended anyhow.
CREATE TABLE spent_challenges (
    challenge_id TEXT NOT NULL PRIMARY KEY,
    ends_at INTEGER NOT NULL
) STRICT;
