-- The channels that a channel of the kind group stands for. SQLite's half; the other database's file of
-- the same name makes the same table.
CREATE TABLE channel_members (
    group_id INTEGER NOT NULL REFERENCES channels (channel_id) ON DELETE CASCADE,
    channel_id INTEGER NOT NULL REFERENCES channels (channel_id) ON DELETE CASCADE,
    PRIMARY KEY (group_id, channel_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX channel_members_channel ON channel_members (channel_id);
