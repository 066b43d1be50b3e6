{draws}
WITH sold AS (
    UPDATE menu_items i SET stock = i.stock - 1, version = i.version + 1
    FROM (
        SELECT id FROM menu_items
        WHERE id IN (
            {items}
        )
        ORDER BY id FOR NO KEY UPDATE
    ) locked
    WHERE i.id = locked.id AND i.stock >= 1
    RETURNING i.id, i.price, i.name
), placed AS (
    INSERT INTO orders (id, customer_id, total, created_at, updated_at, line_count)
    SELECT ('00000000-0000-7000-8000-' || lpad(to_hex(nextval('reference_ids')), 12, '0'))::uuid,
           '00000000-0000-7000-8000-000000000000', sum(price), now(), now(), count(*)
    FROM sold
    RETURNING id
)
INSERT INTO order_lines (order_id, menu_item_id, unit_price, quantity, position, name)
SELECT placed.id, sold.id, sold.price, 1, row_number() OVER () - 1, sold.name FROM placed, sold;
