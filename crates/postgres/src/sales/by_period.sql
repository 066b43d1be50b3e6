-- Of orders placed from $1 up to $2, divided where the moments of $5 are: whole quarters of an hour ($3 to $4) from the
-- summary, what is not summarized yet of these (events after $6, $7), and both edges from the orders themselves.
WITH part AS (
    SELECT slot AS at, orders, quantity, revenue FROM sales_by_quarter_hour WHERE slot >= $3 AND slot < $4
    UNION ALL
    SELECT e.created_at, e.sign, e.sign * l.quantity, (e.sign * e.total)::numeric
    FROM (
        SELECT o.id, o.created_at, o.total, CASE v.kind WHEN 'order.placed' THEN 1 ELSE -1 END AS sign
        FROM outbox_events v JOIN orders o ON o.id = v.subject_id
        WHERE (v.transaction_id, v.id) > ($6, $7)
          AND (v.kind = 'order.placed'
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
       least(sum(revenue), 9223372036854775807)::bigint AS revenue
FROM part
GROUP BY 1
