-- Besides: a thousand menu items with ten ingredients each, and twenty groups of fifty options, each offered by five of them.

CREATE FUNCTION pg_temp.id_of(kind text, n bigint) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$
    SELECT ('00000000-0000-7000-' || kind || '-' || lpad(n::text, 12, '0'))::uuid
$$;

INSERT INTO supplies (id, created_at, updated_at, stock, low_stock_at, unit, name)
SELECT pg_temp.id_of('8011', n), now(), now(), 1000000, 0, 'piece', 'Ingredient ' || n
FROM generate_series(0, 99) n;

INSERT INTO supply_adjustments (supply_id, adjusted_at, delta, reason)
SELECT id, now(), stock, 'first stock' FROM supplies WHERE name LIKE 'Ingredient %';

INSERT INTO menu_items (id, price, created_at, updated_at, stock, low_stock_at, active, counted, name, category, description)
SELECT pg_temp.id_of('8041', n), 990, now(), now(), 1000000, 0, true, false, 'Item ' || n, 'Elsewhere', ''
FROM generate_series(0, 999) n;

INSERT INTO recipe_ingredients (menu_item_id, supply_id, position, amount)
SELECT pg_temp.id_of('8041', n), pg_temp.id_of('8011', (n + i) % 100), i, 1 + i
FROM generate_series(0, 999) n, generate_series(0, 9) i;

INSERT INTO option_groups (id, created_at, updated_at, name)
SELECT pg_temp.id_of('8021', n), now(), now(), 'Elsewhere ' || n FROM generate_series(0, 19) n;

INSERT INTO menu_options (id, group_id, price, position, supply_id, supply_amount, name, allergens)
SELECT pg_temp.id_of('8031', g * 50 + n), pg_temp.id_of('8021', g), 50, n, pg_temp.id_of('8011', n), 1, 'Option ' || n, '{}'
FROM generate_series(0, 19) g, generate_series(0, 49) n;

INSERT INTO menu_item_option_groups (menu_item_id, group_id, position, min, max, max_each)
SELECT pg_temp.id_of('8041', n), pg_temp.id_of('8021', n % 20), 0, 0, 3, 1 FROM generate_series(0, 99) n;

UPDATE menu_version SET version = version + 1;
