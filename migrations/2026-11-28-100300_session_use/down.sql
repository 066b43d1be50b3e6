ALTER TABLE sessions DROP COLUMN client, DROP COLUMN network, DROP COLUMN last_used_at, DROP COLUMN idle_at;
