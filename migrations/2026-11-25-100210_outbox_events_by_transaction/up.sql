CREATE INDEX CONCURRENTLY IF NOT EXISTS outbox_events_by_transaction ON outbox_events (transaction_id, id);
