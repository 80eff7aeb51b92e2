-- Maintenance windows that repeat. PostgreSQL's half; the other database's file of the same name changes
-- the same tables.

-- When a window is open, or opens next: what starts_at and ends_at say, or for one that repeats the
-- occurrence that is not over yet. Both empty: it opens no more.
ALTER TABLE maintenance_windows ADD COLUMN opens_at BIGINT;
ALTER TABLE maintenance_windows ADD COLUMN closes_at BIGINT;
UPDATE maintenance_windows SET opens_at = starts_at, closes_at = ends_at;
CREATE INDEX maintenance_windows_closing ON maintenance_windows (closes_at);
CREATE INDEX maintenance_windows_repeating ON maintenance_windows (closes_at) WHERE repeat IS NOT NULL;
DROP INDEX maintenance_windows_end;
