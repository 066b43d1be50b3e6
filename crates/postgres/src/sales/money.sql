-- Money that came in and went back from $1 up to $2, divided where the moments of $3 are. A refund that fails after it
-- had succeeded is taken back when it fails: a day that is closed stays as it is.
SELECT width_bucket(at, $3) AS position,
       greatest(least(sum(paid), 9223372036854775807), -9223372036854775807)::bigint AS paid,
       greatest(least(sum(refunded), 9223372036854775807), -9223372036854775807)::bigint AS refunded
FROM (
    -- Where another amount came than was asked for, an incident says how much. These are the books of our currency, $4.
    SELECT p.paid_at AS at, coalesce(CASE WHEN i.currency <> $4 THEN 0 ELSE i.amount END, p.amount) AS paid,
           0 AS refunded
    FROM payments p
    LEFT JOIN payment_incidents i ON i.payment_id = p.id AND i.kind = 'mismatch' AND i.reason = 'amount'
    WHERE p.paid_at >= $1 AND p.paid_at < $2
    UNION ALL
    SELECT settled_at, 0, amount FROM refunds WHERE status = 'succeeded' AND settled_at >= $1 AND settled_at < $2
    UNION ALL
    SELECT settled_at, 0, amount FROM refunds WHERE failed_at IS NOT NULL AND settled_at >= $1 AND settled_at < $2
    UNION ALL
    SELECT failed_at, 0, -amount FROM refunds
    WHERE failed_at >= $1 AND failed_at < $2 AND settled_at IS NOT NULL
) moved
GROUP BY 1
