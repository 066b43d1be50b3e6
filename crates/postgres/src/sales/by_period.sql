-- Of orders placed from $1 up to $2, divided where the moments of $5 are: whole quarters of an hour ($3 to $4) from the
-- summary, what is not summarized yet of these, and both edges from the orders themselves. Not summarized are the
-- events of one history of the database after $6, $7 (of transactions before $8; events after $9, up to $10), and all
-- later ones.
WITH fresh AS NOT MATERIALIZED (
    SELECT kind, subject_id, subject_version FROM outbox_events
    WHERE (transaction_id, id) > ($6, $7) AND transaction_id < $8 AND id > $9 AND id <= $10
    UNION ALL
    SELECT kind, subject_id, subject_version FROM outbox_events WHERE id > $10
), part AS (
    SELECT slot AS at, orders, quantity, revenue FROM sales_by_quarter_hour WHERE slot >= $3 AND slot < $4
    UNION ALL
    SELECT e.created_at, e.sign, e.sign * l.quantity, e.sign * e.total::numeric
    FROM (
        SELECT o.id, o.created_at, o.total, CASE v.kind WHEN 'order.placed' THEN 1 ELSE -1 END AS sign
        FROM fresh v JOIN orders o ON o.id = v.subject_id
        WHERE (v.kind = 'order.placed'
            OR (v.kind = 'order.status_changed' AND o.status = 'cancelled' AND o.version = v.subject_version))
          AND o.created_at >= $3 AND o.created_at < $4
    ) e
    CROSS JOIN LATERAL (SELECT sum(quantity) AS quantity FROM order_lines WHERE order_id = e.id) l
    UNION ALL
    SELECT o.created_at, 1, l.quantity, o.total::numeric
    FROM orders o CROSS JOIN LATERAL (SELECT sum(quantity) AS quantity FROM order_lines WHERE order_id = o.id) l
    WHERE o.created_at >= $1 AND o.created_at < $3 AND o.status <> 'cancelled'
    UNION ALL
    SELECT o.created_at, 1, l.quantity, o.total::numeric
    FROM orders o CROSS JOIN LATERAL (SELECT sum(quantity) AS quantity FROM order_lines WHERE order_id = o.id) l
    WHERE o.created_at >= $4 AND o.created_at < $2 AND o.status <> 'cancelled'
)
SELECT width_bucket(at, $5) AS position, sum(orders)::bigint AS orders, sum(quantity)::bigint AS quantity,
       greatest(least(sum(revenue), 9223372036854775807), -9223372036854775807)::bigint AS revenue
FROM part
GROUP BY 1
