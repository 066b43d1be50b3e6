-- A worker deletes refresh tokens that were used and whose grace is over.
CREATE INDEX CONCURRENTLY IF NOT EXISTS spent_refresh_tokens ON refresh_tokens (used_at) WHERE used_at IS NOT NULL AND NOT is_kept;
