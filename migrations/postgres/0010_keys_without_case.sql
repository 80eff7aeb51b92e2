-- Mailers lower the case of addresses, and with it that of the ping keys in them: these are looked
-- up without it. Whoever writes to unknown addresses must not make the server read all projects.
CREATE INDEX projects_ping_key_lower ON projects (LOWER(ping_key));
