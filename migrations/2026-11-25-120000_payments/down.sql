DELETE FROM idempotency_keys WHERE payment_id IS NOT NULL;
ALTER TABLE idempotency_keys DROP COLUMN answered_status;
ALTER TABLE idempotency_keys DROP COLUMN payment_id;
DROP TABLE gateway_events;
DROP TABLE refunds;
DROP TABLE payments;
