-- Whoever signs in clears away their own sessions that have ended, closed ones included: without this index by reading all of them.
CREATE INDEX CONCURRENTLY IF NOT EXISTS sessions_by_end ON sessions (account_id, expires_at);
