-- Of orders placed from $1 up to $2: whole days ($5 to $6) and whole hours ($3 to $4) from the summaries, what is not
-- summarized yet of these hours, and both edges from the orders themselves. Not summarized are the events of one
-- history of the database after $8, $9 (of transactions before $10; events after $11, up to $12), and all later ones.
WITH fresh AS NOT MATERIALIZED (
    SELECT kind, subject_id, subject_version FROM outbox_events
    WHERE (transaction_id, id) > ($8, $9) AND transaction_id < $10 AND id > $11 AND id <= $12
    UNION ALL
    SELECT kind, subject_id, subject_version FROM outbox_events WHERE id > $12
), part AS (
    SELECT menu_item_id, quantity, revenue FROM item_sales_by_day WHERE day >= $5 AND day < $6
    UNION ALL
    SELECT menu_item_id, quantity, revenue FROM item_sales_by_hour WHERE hour >= $3 AND hour < least($5, $4)
    UNION ALL
    SELECT menu_item_id, quantity, revenue FROM item_sales_by_hour WHERE hour >= $6 AND hour < $4
    UNION ALL
    SELECT l.menu_item_id, e.sign * l.quantity::bigint, e.sign * l.unit_price::numeric * l.quantity
    FROM (
        SELECT o.id, CASE v.kind WHEN 'order.placed' THEN 1 ELSE -1 END AS sign
        FROM fresh v JOIN orders o ON o.id = v.subject_id
        WHERE (v.kind = 'order.placed'
            OR (v.kind = 'order.status_changed' AND o.status = 'cancelled' AND o.version = v.subject_version))
          AND o.created_at >= $3 AND o.created_at < $4
    ) e
    JOIN order_lines l ON l.order_id = e.id
    UNION ALL
    SELECT l.menu_item_id, l.quantity, l.unit_price::numeric * l.quantity
    FROM orders o JOIN order_lines l ON l.order_id = o.id
    WHERE o.created_at >= $1 AND o.created_at < $3 AND o.status <> 'cancelled'
    UNION ALL
    SELECT l.menu_item_id, l.quantity, l.unit_price::numeric * l.quantity
    FROM orders o JOIN order_lines l ON l.order_id = o.id
    WHERE o.created_at >= $4 AND o.created_at < $2 AND o.status <> 'cancelled'
), top AS (
    SELECT menu_item_id, sum(quantity)::bigint AS quantity,
           greatest(least(sum(revenue), 9223372036854775807), -9223372036854775807)::bigint AS revenue
    FROM part
    GROUP BY menu_item_id
    HAVING sum(quantity) > 0
    ORDER BY 2 DESC, 3 DESC, 1
    LIMIT $7
)
SELECT top.menu_item_id, i.name, top.quantity, top.revenue
FROM top JOIN menu_items i ON i.id = top.menu_item_id
ORDER BY top.quantity DESC, top.revenue DESC, top.menu_item_id
