-- Servers of the previous release leave these columns alone.
ALTER TABLE refunds
    ADD COLUMN gateway_id text,
    ADD COLUMN attempts   integer NOT NULL DEFAULT 0;

COMMENT ON COLUMN refunds.gateway_id IS 'the gateway''s id for a refund that somebody made there; null: made here, or its id is not known yet';
COMMENT ON COLUMN refunds.attempts IS 'how often a server has asked the gateway for it; the pauses grow with it';
