-- Every request that changes something may have a key, whether it is about an order or not.
ALTER TABLE idempotency_keys ALTER COLUMN order_id DROP NOT NULL;
ALTER TABLE idempotency_keys ADD COLUMN outcome text;

COMMENT ON TABLE idempotency_keys IS 'of requests that succeeded; the key of a placement stands in its order''s own row';
COMMENT ON COLUMN idempotency_keys.outcome IS 'what the first request came to, as JSON: its response is written from it again';
COMMENT ON COLUMN idempotency_keys.order_id IS 'for servers of the release before, like payment_id and answered_status';
COMMENT ON COLUMN mails.request_key IS 'written by servers of the release before';
