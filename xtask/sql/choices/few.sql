-- A group of {options} options, each of which takes of a supply of its own, offered by every menu item whose category begins with Bench.

CREATE FUNCTION pg_temp.id_of(kind text, n bigint) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$
    SELECT ('00000000-0000-7000-' || kind || '-' || lpad(n::text, 12, '0'))::uuid
$$;

INSERT INTO supplies (id, created_at, updated_at, stock, low_stock_at, unit, name)
SELECT pg_temp.id_of('8010', n), now(), now(), 1000000, 0, 'piece', 'Filling ' || n
FROM generate_series(0, {options} - 1) n;

INSERT INTO supply_adjustments (supply_id, adjusted_at, delta, reason)
SELECT id, now(), stock, 'first stock' FROM supplies WHERE name LIKE 'Filling %';

INSERT INTO option_groups (id, created_at, updated_at, name) VALUES (pg_temp.id_of('8020', 0), now(), now(), 'Fillings');

INSERT INTO menu_options (id, group_id, price, position, supply_id, supply_amount, name, allergens)
SELECT pg_temp.id_of('8030', n), pg_temp.id_of('8020', 0), n % 3 * 50, n, pg_temp.id_of('8010', n), 1, 'Filling ' || n, '{}'
FROM generate_series(0, {options} - 1) n;

INSERT INTO menu_item_option_groups (menu_item_id, group_id, position, min, max, max_each)
SELECT id, pg_temp.id_of('8020', 0), 0, 0, {chosen}, 1 FROM menu_items WHERE category LIKE 'Bench %';

UPDATE menu_items SET version = version + 1, revision = revision + 1 WHERE category LIKE 'Bench %';
UPDATE menu_version SET version = version + 1;
