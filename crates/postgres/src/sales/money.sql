-- Money that came in and went back from $1 up to $2, divided where the moments of $3 are. A refund that fails after it
-- had succeeded is taken back when it fails: a day that is closed stays as it is. $4 is our currency.
SELECT width_bucket(at, $3) AS position,
       greatest(least(sum(paid), 9223372036854775807), -9223372036854775807)::bigint AS paid,
       greatest(least(sum(refunded), 9223372036854775807), -9223372036854775807)::bigint AS refunded
FROM (
    -- Where another amount came than was asked for, an incident says how much.
    SELECT p.paid_at AS at,
           CASE WHEN i.opened_at <= p.paid_at THEN CASE i.currency WHEN $4 THEN i.amount ELSE 0 END ELSE p.amount END
             AS paid,
           0 AS refunded
    FROM payments p
    LEFT JOIN payment_incidents i ON i.payment_id = p.id AND i.kind = 'mismatch' AND i.reason = 'amount'
    WHERE p.paid_at >= $1 AND p.paid_at < $2
    UNION ALL
    -- If that was found out later than the payment was counted, the difference is booked then.
    SELECT i.opened_at, CASE i.currency WHEN $4 THEN i.amount ELSE 0 END - p.amount, 0
    FROM payment_incidents i JOIN payments p ON p.id = i.payment_id
    WHERE i.kind = 'mismatch' AND i.reason = 'amount' AND i.opened_at > p.paid_at
      AND i.opened_at >= $1 AND i.opened_at < $2
    UNION ALL
    SELECT settled_at, 0, amount FROM refunds WHERE status = 'succeeded' AND settled_at >= $1 AND settled_at < $2
    UNION ALL
    SELECT settled_at, 0, amount FROM refunds WHERE failed_at IS NOT NULL AND settled_at >= $1 AND settled_at < $2
    UNION ALL
    SELECT failed_at, 0, -amount FROM refunds
    WHERE failed_at >= $1 AND failed_at < $2 AND settled_at IS NOT NULL
) moved
GROUP BY 1
