-- A worker deletes events that were handled long ago.
CREATE INDEX CONCURRENTLY IF NOT EXISTS handled_gateway_events ON gateway_events (handled_at) WHERE malformed IS NULL AND handled_at IS NOT NULL;
