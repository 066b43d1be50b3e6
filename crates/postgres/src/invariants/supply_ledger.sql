WITH received AS (
    SELECT supply_id, sum(delta) AS quantity FROM supply_adjustments GROUP BY supply_id
)
SELECT format('supply %s (%s): stock is %s, but %s were received', s.id, s.name, s.stock, coalesce(r.quantity, 0)) AS violation
FROM supplies s
LEFT JOIN received r ON r.supply_id = s.id
WHERE s.stock <> coalesce(r.quantity, 0)
ORDER BY s.id
LIMIT 100
