-- Events that an older server did not know are found by one that does.
CREATE INDEX CONCURRENTLY IF NOT EXISTS unknown_gateway_events ON gateway_events (unknown_kind, received_at) WHERE unknown_kind IS NOT NULL;
