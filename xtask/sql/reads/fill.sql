-- {orders} orders of the last sixty days: 200 menu items, 2,000 customers, one to four lines per order; 3 % still pending, 4 % cancelled,
-- the others completed, with the event of every step. The stock ledger balances.

-- With superuser rights, without triggers: checking millions of foreign keys that are right by construction would take most of the time.
DO $$ BEGIN
    IF (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) THEN
        SET LOCAL session_replication_role = replica;
    END IF;
END $$;

-- Ids like the server's, from a time and a number.
CREATE FUNCTION pg_temp.id_of(moment timestamptz, n bigint) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$
    SELECT (lpad(to_hex((extract(epoch FROM moment) * 1000)::bigint), 12, '0') || '7' || substr(md5(n::text), 1, 3) || '8' || substr(md5(n::text), 4, 15))::uuid
$$;

INSERT INTO users (id, email, name, role, password_hash, created_at)
SELECT pg_temp.id_of(now() - interval '61 days', n), 'customer-' || n || '@fill.example', 'Customer ' || n, 'customer', '', now() - interval '61 days'
FROM generate_series(1, 2000) n;

CREATE TEMP TABLE item ON COMMIT DROP AS
SELECT n, pg_temp.id_of(now() - interval '61 days', 10000 + n) AS id, (300 + n * 37 % 2700)::bigint AS price,
       (ARRAY['Spicy', 'Creamy', 'Grilled', 'Smoked', 'Crispy', 'Tender', 'Golden', 'Rustic', 'Fresh', 'Roasted'])[1 + n % 10]
       || ' ' || (ARRAY['Carbonara', 'Lasagne', 'Risotto', 'Gnocchi', 'Minestrone', 'Focaccia', 'Saltimbocca', 'Ossobuco', 'Caponata', 'Tiramisu',
                        'Polenta', 'Cannelloni', 'Bruschetta', 'Calzone', 'Ribollita', 'Vitello', 'Branzino', 'Cacciatore', 'Panzanella', 'Zabaione'])[1 + n / 10 % 20] AS name
FROM generate_series(0, 199) n;

INSERT INTO menu_items (id, price, created_at, updated_at, stock, low_stock_at, active, name, category, description)
SELECT id, price, now() - interval '61 days', now() - interval '61 days', 1000, 5, true, name, 'Section ' || n / 20,
       'With what the market had this morning, and bread from the oven next door'
FROM item;

CREATE TEMP TABLE placed ON COMMIT DROP AS
SELECT n, moment AS created_at, pg_temp.id_of(moment, n) AS id, 1 + n * 7 % 2000 AS customer, 1 + hashint8(n) % 2 + abs(hashint8(n + 1) % 3) AS lines,
       CASE WHEN n % 100 < 3 THEN 1 WHEN n % 100 < 7 THEN 2 ELSE 5 END AS version
FROM (
    SELECT n, date_trunc('milliseconds', now() - interval '60 days' + n * interval '60 days' / {orders}) AS moment
    FROM generate_series(1::bigint, {orders}) n
) moments;
UPDATE placed SET lines = 1 WHERE lines < 1;

CREATE TEMP TABLE line ON COMMIT DROP AS
SELECT p.id AS order_id, p.version, position, d.id AS item, d.price, d.name, 1 + abs(hashint8(p.n * 5 + position) % 3) AS quantity
FROM placed p CROSS JOIN LATERAL generate_series(0, p.lines - 1) position
JOIN item d ON d.n = abs(hashint8(p.n * 4 + position)) % 200;

INSERT INTO orders (id, customer_id, total, created_at, updated_at, line_count, version, status)
SELECT p.id, pg_temp.id_of(now() - interval '61 days', p.customer), t.total, p.created_at, p.created_at + p.version * interval '5 minutes', p.lines, p.version,
       CASE p.version WHEN 1 THEN 'pending' WHEN 2 THEN 'cancelled' ELSE 'completed' END
FROM placed p JOIN (SELECT order_id, sum(price * quantity) AS total FROM line GROUP BY 1) t ON t.order_id = p.id
ORDER BY p.n;

INSERT INTO order_lines (order_id, menu_item_id, unit_price, quantity, position, name)
SELECT order_id, item, price, quantity, position, name FROM line ORDER BY order_id, position;

INSERT INTO outbox_events (kind, subject_id, subject_version, occurred_at)
SELECT CASE step WHEN 1 THEN 'order.placed' ELSE 'order.status_changed' END, p.id, step, p.created_at + (step - 1) * interval '5 minutes'
FROM placed p CROSS JOIN LATERAL generate_series(1, p.version) step
ORDER BY p.n;

INSERT INTO stock_adjustments (menu_item_id, adjusted_at, delta, reason)
SELECT d.id, now() - interval '61 days', 1000 + coalesce(sold.quantity, 0), 'fill'
FROM item d LEFT JOIN (SELECT item, sum(quantity) AS quantity FROM line WHERE version <> 2 GROUP BY 1) sold ON sold.item = d.id;

UPDATE menu_version SET version = version + 1;
