-- SQLite's half; the other database's file of the same name changes the same table.
-- told: as far as anybody knows, the channel has heard it or is about to; what it heard last of a check
-- decides whether it is told that the check is up again.
ALTER TABLE notifications ADD COLUMN told INTEGER NOT NULL DEFAULT 0;
UPDATE notifications SET told = 1 WHERE event IN ('down', 'up') AND (state IN ('pending', 'sent')
    OR (state = 'suppressed' AND attempts > 0 AND muted = 0));
CREATE INDEX notifications_told ON notifications (check_id, channel_id, notification_id) WHERE told = 1;
-- due_at: when it was first to be sent.
ALTER TABLE notifications ADD COLUMN due_at INTEGER;
UPDATE notifications SET due_at = CASE WHEN attempts = 0 THEN next_attempt_at ELSE created_at END;
CREATE INDEX notifications_first_due ON notifications (due_at) WHERE state = 'pending';
