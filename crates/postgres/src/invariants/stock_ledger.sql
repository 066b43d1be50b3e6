-- The ledger of what is not counted comes to nothing. Its stock is a number for servers of the release before, a million
-- at first: where one has sold of it, or adjusted it, the ledger says so, too, until it is counted again.
WITH received AS (
    SELECT menu_item_id, sum(delta) AS quantity FROM stock_adjustments GROUP BY menu_item_id
), held AS (
    SELECT l.menu_item_id, sum(l.quantity) AS quantity
    FROM order_lines l JOIN orders o ON o.id = l.order_id
    WHERE o.status <> 'cancelled' AND l.counted
    GROUP BY l.menu_item_id
)
SELECT format('menu item %s (%s): stock is %s, but %s were received and orders hold %s',
              i.id, i.name, CASE WHEN i.counted THEN i.stock::text ELSE 'not counted' END,
              coalesce(r.quantity, 0), coalesce(h.quantity, 0)) AS violation
FROM menu_items i
LEFT JOIN received r ON r.menu_item_id = i.id
LEFT JOIN held h ON h.menu_item_id = i.id
WHERE i.stock - CASE WHEN i.counted THEN 0 ELSE 1000000 END <> coalesce(r.quantity, 0) - coalesce(h.quantity, 0)
ORDER BY i.id
LIMIT 100
