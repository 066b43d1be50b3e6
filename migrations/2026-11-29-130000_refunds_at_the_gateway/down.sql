COMMENT ON COLUMN refunds.settled_at IS NULL;
ALTER TABLE refunds DROP COLUMN gateway_id, DROP COLUMN attempts, DROP COLUMN made_at, DROP COLUMN failed_at;
