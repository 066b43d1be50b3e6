-- The oldest event that waits for another attempt says how late delivery is. The order is that of an expression, so that no
-- plan takes an index instead in which dead letters come first.
CREATE INDEX CONCURRENTLY IF NOT EXISTS outbox_retries_live ON outbox_retries (subscriber, (-event_id)) WHERE NOT is_dead;
