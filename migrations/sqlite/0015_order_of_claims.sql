-- SQLite's half; the other database's file of the same name makes the same index.
-- What is claimed of a channel comes in the order of this index.
DROP INDEX notifications_pending;
CREATE INDEX notifications_pending ON notifications (channel_id, next_attempt_at, notification_id)
    WHERE state = 'pending';
