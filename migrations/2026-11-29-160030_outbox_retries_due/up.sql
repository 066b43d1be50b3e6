-- Whoever tries again finds what is due first, however much waits.
CREATE INDEX CONCURRENTLY IF NOT EXISTS outbox_retries_due ON outbox_retries (subscriber, next_at, id) WHERE NOT is_dead;
