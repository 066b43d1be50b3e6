-- Servers of the previous release leave these columns alone.
ALTER TABLE refunds
    ADD COLUMN gateway_id text,
    ADD COLUMN attempts   integer NOT NULL DEFAULT 0,
    ADD COLUMN made_at    timestamptz,
    ADD COLUMN failed_at  timestamptz;

COMMENT ON COLUMN refunds.gateway_id IS 'the gateway''s id for a refund that somebody made there; null: made here, or its id is not known yet';
COMMENT ON COLUMN refunds.attempts IS 'how often a server has asked the gateway for it; the pauses grow with it';
COMMENT ON COLUMN refunds.made_at IS 'when the gateway was first known to have made it, whatever became of it; null: it has not, or has refused';
COMMENT ON COLUMN refunds.settled_at IS 'when it succeeded; it may have failed later';
COMMENT ON COLUMN refunds.failed_at IS 'when it failed';
