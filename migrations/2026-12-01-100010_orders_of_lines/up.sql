-- The table is named with its schema, as a search path of the function's own would be set anew for every statement.
DO $migration$ BEGIN EXECUTE format($function$
    CREATE FUNCTION find_orders_of_lines() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE
        key uuid;
    BEGIN
        SELECT a.order_id INTO key
        FROM (SELECT DISTINCT order_id FROM added) a
        LEFT JOIN LATERAL (SELECT true AS is_there FROM %I.orders WHERE id OPERATOR(pg_catalog.=) a.order_id FOR KEY SHARE) p ON true
        WHERE p.is_there IS NULL LIMIT 1;
        IF key IS NOT NULL THEN
            RAISE foreign_key_violation USING
                MESSAGE = 'insert or update on table "order_lines" violates foreign key constraint "order_lines_order_id_fkey"',
                DETAIL = 'Key (order_id)=(' || key || ') is not present in table "orders".',
                SCHEMA = TG_TABLE_SCHEMA, TABLE = 'order_lines', CONSTRAINT = 'order_lines_order_id_fkey';
        END IF;
        RETURN NULL;
    END
    $$
$function$, current_schema()); END $migration$;

CREATE TRIGGER order_id_is_there AFTER INSERT ON order_lines REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION find_orders_of_lines();
CREATE TRIGGER order_id_is_still_there AFTER UPDATE OF order_id ON order_lines
    FOR EACH ROW WHEN (NEW.order_id <> OLD.order_id)
    EXECUTE FUNCTION check_changed_reference('order_id', 'orders');
CREATE TRIGGER order_lines_keep_deleted AFTER DELETE ON orders REFERENCING OLD TABLE AS removed
    FOR EACH STATEMENT EXECUTE FUNCTION keep_referred_rows('order_lines', 'order_id');
CREATE TRIGGER order_lines_keep_renamed AFTER UPDATE OF id ON orders
    FOR EACH ROW WHEN (NEW.id <> OLD.id)
    EXECUTE FUNCTION keep_referred_rows('order_lines', 'order_id');
CREATE TRIGGER order_lines_keep_truncated AFTER TRUNCATE ON orders
    FOR EACH STATEMENT EXECUTE FUNCTION keep_referred_rows('order_lines', 'order_id');

ALTER TABLE order_lines DROP CONSTRAINT order_lines_order_id_fkey;
