-- Whoever deletes an event, and the foreign key, ask whether somebody tries again to deliver it.
CREATE INDEX CONCURRENTLY IF NOT EXISTS outbox_retries_by_event ON outbox_retries (event_id);
