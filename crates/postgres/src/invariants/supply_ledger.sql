WITH received AS (
    SELECT supply_id, sum(delta) AS quantity FROM supply_adjustments GROUP BY supply_id
), held AS (
    SELECT t.key AS supply_id, sum(t.value::numeric) AS quantity
    FROM order_lines l JOIN orders o ON o.id = l.order_id CROSS JOIN LATERAL jsonb_each_text(l.taken) t
    WHERE o.status <> 'cancelled'
    GROUP BY 1
)
SELECT format('supply %s (%s): stock is %s, but %s were received and orders hold %s',
              s.id, s.name, s.stock, coalesce(r.quantity, 0), coalesce(h.quantity, 0)) AS violation
FROM supplies s
LEFT JOIN received r ON r.supply_id = s.id
LEFT JOIN held h ON h.supply_id = s.id::text
WHERE s.stock <> coalesce(r.quantity, 0) - coalesce(h.quantity, 0)
ORDER BY s.id
LIMIT 100
