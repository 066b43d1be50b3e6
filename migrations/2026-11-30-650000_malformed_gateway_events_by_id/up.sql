-- An operator asks how many there are, however many there ever were.
CREATE INDEX CONCURRENTLY IF NOT EXISTS malformed_gateway_events ON gateway_events (id) WHERE malformed IS NOT NULL;
