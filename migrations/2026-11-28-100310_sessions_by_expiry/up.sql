-- A worker deletes sessions that have expired.
CREATE INDEX CONCURRENTLY IF NOT EXISTS sessions_by_expiry ON sessions (expires_at);
