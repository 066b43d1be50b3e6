-- By the primary key, from the first id that can be of a payment begun then.
SELECT id, order_id, amount, refunded, status, method, intent, client_secret, reported_at, expires_at, call_off
FROM payments
WHERE id > $1 AND begun_at >= $2 AND method = 'card'
ORDER BY id LIMIT $3
