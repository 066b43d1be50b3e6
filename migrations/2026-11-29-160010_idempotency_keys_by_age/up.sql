-- A worker deletes keys that have expired.
CREATE INDEX CONCURRENTLY IF NOT EXISTS idempotency_keys_by_age ON idempotency_keys (recorded_at);
