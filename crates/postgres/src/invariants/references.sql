-- Foreign keys in all but name: see migrations/2026-12-01-100000_references_by_statement. A restored dump, or somebody who
-- switched the triggers off, is found here.
SELECT format('order %s: its customer %s is missing', id, customer_id) AS violation
FROM orders o WHERE NOT EXISTS (SELECT FROM users WHERE id = o.customer_id)
UNION ALL
SELECT format('line %s of order %s: the order is missing', position, order_id)
FROM order_lines l WHERE NOT EXISTS (SELECT FROM orders WHERE id = l.order_id)
UNION ALL
SELECT format('line %s of order %s: its menu item %s is missing', position, order_id, menu_item_id)
FROM order_lines l WHERE NOT EXISTS (SELECT FROM menu_items WHERE id = l.menu_item_id)
LIMIT 100
