ALTER TABLE refunds DROP COLUMN gateway_id, DROP COLUMN attempts;
