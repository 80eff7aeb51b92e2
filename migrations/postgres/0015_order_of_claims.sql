-- PostgreSQL's half; the other database's file of the same name makes the same index.
-- What is claimed of a channel comes in the order of this index, so that a few of a hundred thousand
-- that are due at once are found without sorting all.
DROP INDEX notifications_pending;
CREATE INDEX notifications_pending ON notifications (channel_id, next_attempt_at, notification_id)
    WHERE state = 'pending';
-- To look up what a notification refers to was half of what it costs where many are made at once. Its
-- channel has its project, and its check has the flip; where a flip goes before its check, whoever
-- deletes it deletes what was told of it.
ALTER TABLE notifications DROP CONSTRAINT notifications_project_id_fkey;
ALTER TABLE notifications DROP CONSTRAINT notifications_flip_id_fkey;
