-- The channels that a channel of the kind group stands for. PostgreSQL's half; the other database's file of
-- the same name makes the same table.
CREATE TABLE channel_members (
    group_id BIGINT NOT NULL REFERENCES channels (channel_id) ON DELETE CASCADE,
    channel_id BIGINT NOT NULL REFERENCES channels (channel_id) ON DELETE CASCADE,
    PRIMARY KEY (group_id, channel_id)
);
CREATE INDEX channel_members_channel ON channel_members (channel_id);
