-- Mail goes to nobody who has not agreed. PostgreSQL's half; the other database's file of the same name
-- makes the same changes.

-- The address of an email channel that its recipient has confirmed.
ALTER TABLE channels ADD COLUMN confirmed_address TEXT;

-- How often an address was asked to confirm: so many times (n) since a moment, the last time then.
-- It outlives the channels, so that nobody is flooded by making and deleting them.
CREATE TABLE confirmation_mails (
    address TEXT NOT NULL PRIMARY KEY,
    since BIGINT NOT NULL,
    n BIGINT NOT NULL,
    last_at BIGINT NOT NULL
);
