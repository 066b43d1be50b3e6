-- What servers of the previous release have marked as handled is looked at once more.
CREATE INDEX CONCURRENTLY IF NOT EXISTS gateway_events_of_old_servers
    ON gateway_events (received_at) WHERE handled_at IS NOT NULL AND reader IS NULL;
