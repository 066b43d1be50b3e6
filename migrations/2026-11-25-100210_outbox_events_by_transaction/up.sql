CREATE INDEX CONCURRENTLY outbox_events_by_transaction ON outbox_events (transaction_id, id);
