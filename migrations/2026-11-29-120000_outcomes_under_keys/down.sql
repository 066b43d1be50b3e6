DELETE FROM idempotency_keys WHERE order_id IS NULL;
ALTER TABLE idempotency_keys DROP COLUMN outcome;
ALTER TABLE idempotency_keys ALTER COLUMN order_id SET NOT NULL;
