-- Money that came in and went back from $1 up to $2, divided where the moments of $3 are.
SELECT width_bucket(at, $3) AS position,
       greatest(least(sum(paid), 9223372036854775807), -9223372036854775807)::bigint AS paid,
       greatest(least(sum(refunded), 9223372036854775807), -9223372036854775807)::bigint AS refunded
FROM (
    SELECT paid_at AS at, amount AS paid, 0 AS refunded FROM payments WHERE paid_at >= $1 AND paid_at < $2
    UNION ALL
    SELECT settled_at, 0, amount FROM refunds WHERE status = 'succeeded' AND settled_at >= $1 AND settled_at < $2
) moved
GROUP BY 1
