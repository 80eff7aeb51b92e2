-- When the ping of a body was received, by which the other database knows where the body is. Here there are
-- no partitions: what is too old goes in small steps.
ALTER TABLE ping_bodies ADD COLUMN at INTEGER NOT NULL DEFAULT 0;
