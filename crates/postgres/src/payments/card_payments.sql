-- By the primary key, from the first id that can be of a payment begun then.
SELECT id, order_id, amount, refunded, status, method, intent, client_secret, reported_at, expires_at, call_off,
       paid_at,
       (SELECT i.amount FROM payment_incidents i
        WHERE i.payment_id = payments.id AND i.kind = 'mismatch' AND i.reason = 'amount') AS mismatch,
       (SELECT i.currency FROM payment_incidents i
        WHERE i.payment_id = payments.id AND i.kind = 'mismatch' AND i.reason = 'amount') AS mismatch_currency,
       (SELECT coalesce(sum(r.amount), 0)::bigint FROM refunds r
        WHERE r.payment_id = payments.id AND r.status = 'succeeded') AS returned
FROM payments
WHERE id > $1 AND begun_at >= $2 AND method = 'card'
ORDER BY id LIMIT $3
