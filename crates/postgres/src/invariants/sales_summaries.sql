WITH unsummarized AS (
    SELECT o.id, least(greatest(o.created_at, '0001-01-01 UTC'), '9999-12-31 UTC') AS created_at, o.total,
           CASE v.kind WHEN 'order.placed' THEN 1 ELSE -1 END AS sign
    FROM sales_summarized s
    JOIN database_histories h ON h.id = s.history
    LEFT JOIN database_histories n ON n.id = s.history + 1
    JOIN outbox_events v ON v.id > n.after_event
         OR ((v.transaction_id, v.id) > (s.transaction_id, s.event_id) AND v.id > h.after_event)
    JOIN orders o ON o.id = v.subject_id
    WHERE v.kind = 'order.placed'
       OR (v.kind = 'order.status_changed' AND o.status = 'cancelled' AND o.version = v.subject_version)
), reported_slots AS (
    SELECT slot, orders, revenue FROM sales_by_quarter_hour
    UNION ALL
    SELECT date_bin('15 minutes', created_at, timestamptz 'epoch'), sign, sign * total::numeric FROM unsummarized
), slots AS (
    SELECT slot, sum(orders) AS orders, sum(revenue) AS revenue FROM (
        SELECT slot, orders, revenue FROM reported_slots
        UNION ALL
        SELECT date_bin('15 minutes', least(greatest(created_at, '0001-01-01 UTC'), '9999-12-31 UTC'),
                        timestamptz 'epoch'), -1, -total::numeric
        FROM orders WHERE status <> 'cancelled'
    ) parts GROUP BY slot
), reported_items AS (
    SELECT menu_item_id, quantity, revenue FROM item_sales_by_day
    UNION ALL
    SELECT l.menu_item_id, u.sign * l.quantity, u.sign * (l.unit_price::numeric + l.extras) * l.quantity
    FROM unsummarized u JOIN order_lines l ON l.order_id = u.id
), items AS (
    SELECT menu_item_id, sum(quantity) AS quantity, sum(revenue) AS revenue FROM (
        SELECT menu_item_id, quantity, revenue FROM reported_items
        UNION ALL
        SELECT l.menu_item_id, -l.quantity, -(l.unit_price::numeric + l.extras) * l.quantity
        FROM orders o JOIN order_lines l ON l.order_id = o.id WHERE o.status <> 'cancelled'
    ) parts GROUP BY menu_item_id
), options AS (
    SELECT menu_item_id, option_id, sum(quantity) AS quantity, sum(revenue) AS revenue FROM (
        SELECT menu_item_id, option_id, quantity, revenue FROM option_sales_by_day
        UNION ALL
        SELECT l.menu_item_id, c.option_id, u.sign * l.quantity * c.quantity,
               u.sign * l.quantity * c.quantity * c.unit_price::numeric
        FROM unsummarized u JOIN order_lines l ON l.order_id = u.id CROSS JOIN LATERAL chosen_options(l.selections) c
        UNION ALL
        SELECT l.menu_item_id, c.option_id, -l.quantity * c.quantity, -l.quantity * c.quantity * c.unit_price::numeric
        FROM orders o JOIN order_lines l ON l.order_id = o.id CROSS JOIN LATERAL chosen_options(l.selections) c
        WHERE o.status <> 'cancelled'
    ) parts GROUP BY menu_item_id, option_id
), hours AS (
    SELECT day, menu_item_id, sum(quantity) AS quantity, sum(revenue) AS revenue FROM (
        SELECT day, menu_item_id, quantity, revenue FROM item_sales_by_day
        UNION ALL
        SELECT date_trunc('day', hour, 'UTC'), menu_item_id, -quantity, -revenue FROM item_sales_by_hour
    ) parts GROUP BY 1, 2
)
SELECT format('quarter of an hour from %s: %s order(s) and %s of revenue too many', slot, orders, revenue) AS violation
FROM slots WHERE (orders, revenue) <> (0, 0)
UNION ALL
SELECT format('menu item %s: a quantity of %s and %s of revenue too many', menu_item_id, quantity, revenue)
FROM items WHERE (quantity, revenue) <> (0, 0)
UNION ALL
SELECT format('option %s of menu item %s: a quantity of %s and %s of revenue too many', option_id, menu_item_id, quantity, revenue)
FROM options WHERE (quantity, revenue) <> (0, 0)
UNION ALL
SELECT format('menu item %s on %s: a quantity of %s and %s of revenue more than in the hours', menu_item_id, day, quantity, revenue)
FROM hours WHERE (quantity, revenue) <> (0, 0)
LIMIT 100
