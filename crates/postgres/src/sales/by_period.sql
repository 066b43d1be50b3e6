-- Of orders placed from $6 up to $7, divided where the moments of $10 are: whole quarters of an hour ($8 to $9) from
-- the summary, what is not summarized yet of these (not_summarized.sql), and both edges from the orders themselves.
part AS (
    SELECT slot AS at, orders, quantity, revenue FROM sales_by_quarter_hour WHERE slot >= $8 AND slot < $9
    UNION ALL
    SELECT e.created_at, e.sign, e.sign * l.quantity, e.sign * e.total::numeric
    FROM changed e
    CROSS JOIN LATERAL (SELECT sum(quantity) AS quantity FROM order_lines WHERE order_id = e.id) l
    WHERE e.created_at >= $8 AND e.created_at < $9
    UNION ALL
    SELECT o.created_at, 1, l.quantity, o.total::numeric
    FROM orders o CROSS JOIN LATERAL (SELECT sum(quantity) AS quantity FROM order_lines WHERE order_id = o.id) l
    WHERE o.created_at >= $6 AND o.created_at < $8 AND o.status <> 'cancelled'
    UNION ALL
    SELECT o.created_at, 1, l.quantity, o.total::numeric
    FROM orders o CROSS JOIN LATERAL (SELECT sum(quantity) AS quantity FROM order_lines WHERE order_id = o.id) l
    WHERE o.created_at >= $9 AND o.created_at < $7 AND o.status <> 'cancelled'
)
SELECT width_bucket(at, $10) AS position, sum(orders)::bigint AS orders, sum(quantity)::bigint AS quantity,
       greatest(least(sum(revenue), 9223372036854775807), -9223372036854775807)::bigint AS revenue
FROM part
GROUP BY 1
