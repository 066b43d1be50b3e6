-- Each refund that was made at the gateway is recorded once.
CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS refunds_by_gateway_id ON refunds (gateway_id) WHERE gateway_id IS NOT NULL;
