-- Several notifications of a channel that are sent as one message carry its id. PostgreSQL's half; the
-- other database's file of the same name changes the same table.
ALTER TABLE notifications ADD COLUMN group_id TEXT;
CREATE INDEX notifications_group ON notifications (group_id) WHERE state = 'pending' AND group_id IS NOT NULL;
CREATE INDEX notifications_sent ON notifications (channel_id, sent_at) WHERE sent_at IS NOT NULL;
