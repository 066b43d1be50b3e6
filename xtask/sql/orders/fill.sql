-- Ids that rise with time, like those of the server: scattered ones would cost the reference a page per order.
CREATE SEQUENCE reference_ids;

INSERT INTO users (id, email, name, role, password_hash, created_at)
VALUES ('00000000-0000-7000-8000-000000000000', 'reference@comanda.example', 'Reference', 'customer', '', now());

INSERT INTO menu_items (id, price, created_at, updated_at, stock, low_stock_at, active, name, category, description)
SELECT ('00000000-0000-7000-8001-' || lpad(n::text, 12, '0'))::uuid, 990, now(), now(), 1000000000, 5, true, 'Item ' || n, 'Reference', ''
FROM generate_series(1, 1000) n;

INSERT INTO orders (id, customer_id, total, created_at, updated_at, line_count)
SELECT ('00000000-0000-7000-8000-' || lpad(to_hex(nextval('reference_ids')), 12, '0'))::uuid,
       '00000000-0000-7000-8000-000000000000', 2970, now(), now(), 3
FROM generate_series(1, 50000);

INSERT INTO order_lines (order_id, menu_item_id, unit_price, quantity, position, name)
SELECT o.id, ('00000000-0000-7000-8001-' || lpad((1 + (o.number * 3 + p) % 1000)::text, 12, '0'))::uuid, 990, 1, p, 'Item'
FROM orders o, generate_series(0, 2) p;

ANALYZE;
