-- Dead letters are counted per subscriber.
CREATE INDEX CONCURRENTLY IF NOT EXISTS outbox_retries_dead_of_subscriber ON outbox_retries (subscriber) WHERE is_dead;
