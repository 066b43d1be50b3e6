-- Without the column, every line counts, and so does every menu item soon. The ledger is brought to the stock that is
-- there.
INSERT INTO stock_adjustments (menu_item_id, adjusted_at, delta, reason)
SELECT * FROM (
    SELECT i.id, now(), i.stock - coalesce(a.quantity, 0) + coalesce(h.quantity, 0) AS delta, 'counted from now on'
    FROM menu_items i
    LEFT JOIN (SELECT menu_item_id, sum(delta) AS quantity FROM stock_adjustments GROUP BY menu_item_id) a
        ON a.menu_item_id = i.id
    LEFT JOIN (SELECT l.menu_item_id, sum(l.quantity) AS quantity, bool_and(l.counted) AS counted
               FROM order_lines l JOIN orders o ON o.id = l.order_id
               WHERE o.status <> 'cancelled' GROUP BY l.menu_item_id) h
        ON h.menu_item_id = i.id
    WHERE NOT i.counted OR NOT h.counted
) entries WHERE delta <> 0;

ALTER TABLE order_lines DROP COLUMN counted;
