WITH lines AS (
    SELECT order_id, sum((unit_price::numeric + extras) * quantity) AS total, count(*) AS line_count, max(position) AS last_position
    FROM order_lines GROUP BY order_id
)
SELECT format('order %s: total %s and %s line(s), but its lines give %s and %s (last position %s)',
              o.id, o.total, o.line_count, l.total, coalesce(l.line_count, 0), l.last_position) AS violation
FROM orders o LEFT JOIN lines l ON l.order_id = o.id
WHERE (l.total, l.line_count, l.last_position + 1) IS DISTINCT FROM (o.total::numeric, o.line_count::bigint, o.line_count::integer)
UNION ALL
SELECT format('line %s of order %s: extras come to %s, but its selections cost %s', l.position, l.order_id, l.extras, s.cost)
FROM order_lines l
CROSS JOIN LATERAL (SELECT coalesce(sum((e ->> 'q')::numeric * (e ->> 'p')::numeric), 0) AS cost
                    FROM jsonb_array_elements(l.selections) e) s
WHERE (l.selections IS NOT NULL OR l.extras <> 0) AND l.extras <> s.cost
ORDER BY violation
LIMIT 100
