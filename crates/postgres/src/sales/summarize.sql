-- Events of one history of the database in the order of (transaction_id, id), after the last one summarized ($1, $2),
-- at most $3. Those of transactions that may still be running are left for later: below $4 all have ended, and what
-- they wrote is visible here. The events of the history are those after $5, up to $6.
WITH batch AS (
    SELECT transaction_id, id, kind, subject_id, subject_version
    FROM outbox_events
    WHERE (transaction_id, id) > ($1, $2) AND transaction_id < $4 AND id > $5 AND id <= $6
    ORDER BY transaction_id, id
    LIMIT $3
), effect AS (
    -- A placement counts; the cancellation, which is an order's last version, takes it back.
    -- No slot is infinite, or so far that date_bin fails: one such order stops no other.
    SELECT o.id, least(greatest(o.created_at, '0001-01-01 UTC'), '9999-12-31 UTC') AS created_at, o.total,
           CASE b.kind WHEN 'order.placed' THEN 1 ELSE -1 END AS sign
    FROM batch b JOIN orders o ON o.id = b.subject_id
    WHERE b.kind = 'order.placed'
       OR (b.kind = 'order.status_changed' AND o.status = 'cancelled' AND o.version = b.subject_version)
), line AS (
    SELECT e.id AS order_id, e.created_at, l.menu_item_id,
           -- Whatever the numbers are, one order stops no other.
           e.sign * l.quantity::bigint AS quantity, e.sign * (l.unit_price::numeric + l.extras) * l.quantity AS amount,
           l.selections
    FROM effect e JOIN order_lines l ON l.order_id = e.id
), choice AS (
    SELECT l.created_at, l.menu_item_id, c.option_id, l.quantity * c.quantity AS quantity,
           l.quantity * c.quantity * c.unit_price::numeric AS amount
    FROM line l CROSS JOIN LATERAL chosen_options(l.selections) c
    WHERE l.selections IS NOT NULL
), slots AS (
    INSERT INTO sales_by_quarter_hour AS s (slot, orders, quantity, revenue)
    SELECT slot, sum(orders), sum(quantity), sum(revenue)
    FROM (
        SELECT date_bin('15 minutes', created_at, timestamptz 'epoch') AS slot,
               sign AS orders, 0 AS quantity, sign * total::numeric AS revenue
        FROM effect
        UNION ALL
        SELECT date_bin('15 minutes', created_at, timestamptz 'epoch'), 0, quantity, 0 FROM line
    ) parts
    GROUP BY slot
    ON CONFLICT (slot) DO UPDATE
    SET orders = s.orders + EXCLUDED.orders, quantity = s.quantity + EXCLUDED.quantity,
        revenue = s.revenue + EXCLUDED.revenue
), hours AS (
    INSERT INTO item_sales_by_hour AS s (hour, menu_item_id, quantity, revenue)
    SELECT date_trunc('hour', created_at, 'UTC') AS hour, menu_item_id, sum(quantity), sum(amount)
    FROM line GROUP BY 1, 2
    ON CONFLICT (hour, menu_item_id) DO UPDATE
    SET quantity = s.quantity + EXCLUDED.quantity, revenue = s.revenue + EXCLUDED.revenue
), days AS (
    INSERT INTO item_sales_by_day AS s (day, menu_item_id, quantity, revenue)
    SELECT date_trunc('day', created_at, 'UTC') AS day, menu_item_id, sum(quantity), sum(amount) FROM line GROUP BY 1, 2
    ON CONFLICT (day, menu_item_id) DO UPDATE
    SET quantity = s.quantity + EXCLUDED.quantity, revenue = s.revenue + EXCLUDED.revenue
), options AS (
    INSERT INTO option_sales_by_day AS s (day, menu_item_id, option_id, quantity, revenue)
    SELECT date_trunc('day', created_at, 'UTC') AS day, menu_item_id, option_id, sum(quantity), sum(amount)
    FROM choice GROUP BY 1, 2, 3
    ON CONFLICT (day, menu_item_id, option_id) DO UPDATE
    SET quantity = s.quantity + EXCLUDED.quantity, revenue = s.revenue + EXCLUDED.revenue
), progress AS (
    UPDATE sales_summarized s SET transaction_id = last.transaction_id, event_id = last.id
    FROM (SELECT transaction_id, id FROM batch ORDER BY transaction_id DESC, id DESC LIMIT 1) last
)
SELECT count(*) AS events FROM batch
