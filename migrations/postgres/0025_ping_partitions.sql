-- Pings and their bodies stand in partitions by time, so that what is too old goes as a whole table. What
-- is there already is the first of them, for all time until the day in its name (days since the epoch, not
-- itself within). That a serial number comes once is seen to by the row of its check, which is locked
-- or held against its version; a key here would have to contain the time.
ALTER TABLE ping_bodies ADD COLUMN at BIGINT NOT NULL DEFAULT 0;

DO $$
DECLARE
    until_day BIGINT := GREATEST(
        CAST(EXTRACT(EPOCH FROM now()) AS BIGINT) / 86400 + 2,
        COALESCE((SELECT MAX(at) FROM pings), 0) / 86400000000 + 1
    );
    name TEXT;
    part TEXT;
BEGIN
    FOREACH name IN ARRAY ARRAY['pings', 'ping_bodies'] LOOP
        part := name || '_until_' || until_day;
        EXECUTE format('ALTER TABLE %I DROP CONSTRAINT %I', name, name || '_pkey');
        EXECUTE format('ALTER TABLE %I RENAME TO %I', name, part);
        EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING DEFAULTS) PARTITION BY RANGE (at)', name, part);
        EXECUTE format('CREATE INDEX %I ON %I (check_id, n)', name || '_check', name);
        EXECUTE format(
            'ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (MINVALUE) TO (%s)',
            name, part, until_day * 86400000000
        );
    END LOOP;
END $$;

-- For a process of the version before, which does not say it.
ALTER TABLE ping_bodies ALTER COLUMN at
    SET DEFAULT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000 AS BIGINT);
