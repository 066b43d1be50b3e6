WITH lines AS (
    SELECT order_id, sum(unit_price::numeric * quantity) AS total, count(*) AS line_count, max(position) AS last_position
    FROM order_lines GROUP BY order_id
)
SELECT format('order %s: total %s and %s line(s), but its lines give %s and %s (last position %s)',
              o.id, o.total, o.line_count, l.total, coalesce(l.line_count, 0), l.last_position) AS violation
FROM orders o LEFT JOIN lines l ON l.order_id = o.id
WHERE (l.total, l.line_count, l.last_position + 1) IS DISTINCT FROM (o.total::numeric, o.line_count::bigint, o.line_count::integer)
ORDER BY o.id
LIMIT 100
