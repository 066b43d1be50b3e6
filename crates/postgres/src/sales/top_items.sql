-- Of orders placed from $6 up to $7: whole days ($10 to $11) and whole hours ($8 to $9) from the summaries, what is not
-- summarized yet of these hours (not_summarized.sql), and both edges from the orders themselves.
part AS (
    SELECT menu_item_id, quantity, revenue FROM item_sales_by_day WHERE day >= $10 AND day < $11
    UNION ALL
    SELECT menu_item_id, quantity, revenue FROM item_sales_by_hour WHERE hour >= $8 AND hour < least($10, $9)
    UNION ALL
    SELECT menu_item_id, quantity, revenue FROM item_sales_by_hour WHERE hour >= $11 AND hour < $9
    UNION ALL
    SELECT l.menu_item_id, e.sign * l.quantity::bigint, e.sign * (l.unit_price::numeric + l.extras) * l.quantity
    FROM changed e JOIN order_lines l ON l.order_id = e.id
    WHERE e.created_at >= $8 AND e.created_at < $9
    UNION ALL
    SELECT l.menu_item_id, l.quantity, (l.unit_price::numeric + l.extras) * l.quantity
    FROM orders o JOIN order_lines l ON l.order_id = o.id
    WHERE o.created_at >= $6 AND o.created_at < $8 AND o.status <> 'cancelled'
    UNION ALL
    SELECT l.menu_item_id, l.quantity, (l.unit_price::numeric + l.extras) * l.quantity
    FROM orders o JOIN order_lines l ON l.order_id = o.id
    WHERE o.created_at >= $9 AND o.created_at < $7 AND o.status <> 'cancelled'
), top AS (
    SELECT menu_item_id, sum(quantity)::bigint AS quantity,
           greatest(least(sum(revenue), 9223372036854775807), -9223372036854775807)::bigint AS revenue
    FROM part
    GROUP BY menu_item_id
    HAVING sum(quantity) > 0
    ORDER BY 2 DESC, 3 DESC, 1
    LIMIT $12
)
SELECT top.menu_item_id, i.name, top.quantity, top.revenue
FROM top JOIN menu_items i ON i.id = top.menu_item_id
ORDER BY top.quantity DESC, top.revenue DESC, top.menu_item_id
