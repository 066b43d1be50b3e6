-- What was chosen with the menu items of $10, of orders placed from $6 up to $7: whole days ($8 to $9) from the
-- summary, what is not summarized yet of these (not_summarized.sql), and both edges from the orders themselves.
part AS (
    SELECT menu_item_id, option_id, quantity, revenue FROM option_sales_by_day
    WHERE day >= $8 AND day < $9 AND menu_item_id = ANY($10)
    UNION ALL
    SELECT l.menu_item_id, c.option_id, e.sign * l.quantity * c.quantity, e.sign * l.quantity * c.quantity * c.unit_price::numeric
    FROM changed e JOIN order_lines l ON l.order_id = e.id CROSS JOIN LATERAL chosen_options(l.selections) c
    WHERE e.created_at >= $8 AND e.created_at < $9 AND l.menu_item_id = ANY($10)
    UNION ALL
    SELECT l.menu_item_id, c.option_id, l.quantity * c.quantity, l.quantity * c.quantity * c.unit_price::numeric
    FROM orders o JOIN order_lines l ON l.order_id = o.id CROSS JOIN LATERAL chosen_options(l.selections) c
    WHERE o.created_at >= $6 AND o.created_at < $8 AND o.status <> 'cancelled' AND l.menu_item_id = ANY($10)
    UNION ALL
    SELECT l.menu_item_id, c.option_id, l.quantity * c.quantity, l.quantity * c.quantity * c.unit_price::numeric
    FROM orders o JOIN order_lines l ON l.order_id = o.id CROSS JOIN LATERAL chosen_options(l.selections) c
    WHERE o.created_at >= $9 AND o.created_at < $7 AND o.status <> 'cancelled' AND l.menu_item_id = ANY($10)
), sold AS (
    SELECT menu_item_id, option_id, sum(quantity)::bigint AS quantity,
           greatest(least(sum(revenue), 9223372036854775807), -9223372036854775807)::bigint AS revenue
    FROM part
    GROUP BY menu_item_id, option_id
    HAVING sum(quantity) > 0
)
SELECT sold.menu_item_id, sold.option_id, g.name AS group_name, o.name, sold.quantity, sold.revenue
FROM sold JOIN menu_options o ON o.id = sold.option_id JOIN option_groups g ON g.id = o.group_id
ORDER BY sold.menu_item_id, sold.quantity DESC, sold.revenue DESC, sold.option_id
