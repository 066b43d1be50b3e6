-- The table is named with its schema, as a search path of the function's own would be set anew for every statement.
DO $migration$ BEGIN EXECUTE format($function$
    CREATE FUNCTION find_customers_of_orders() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE
        key uuid;
    BEGIN
        SELECT a.customer_id INTO key
        FROM (SELECT DISTINCT customer_id FROM added) a
        LEFT JOIN LATERAL (SELECT true AS is_there FROM %I.users WHERE id OPERATOR(pg_catalog.=) a.customer_id FOR KEY SHARE) p ON true
        WHERE p.is_there IS NULL LIMIT 1;
        IF key IS NOT NULL THEN
            RAISE foreign_key_violation USING
                MESSAGE = 'insert or update on table "orders" violates foreign key constraint "orders_customer_id_fkey"',
                DETAIL = 'Key (customer_id)=(' || key || ') is not present in table "users".',
                SCHEMA = TG_TABLE_SCHEMA, TABLE = 'orders', CONSTRAINT = 'orders_customer_id_fkey';
        END IF;
        RETURN NULL;
    END
    $$
$function$, current_schema()); END $migration$;

CREATE TRIGGER customer_id_is_there AFTER INSERT ON orders REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION find_customers_of_orders();
CREATE TRIGGER customer_id_is_still_there AFTER UPDATE OF customer_id ON orders
    FOR EACH ROW WHEN (NEW.customer_id <> OLD.customer_id)
    EXECUTE FUNCTION check_changed_reference('customer_id', 'users');
CREATE TRIGGER orders_keep_deleted AFTER DELETE ON users REFERENCING OLD TABLE AS removed
    FOR EACH STATEMENT EXECUTE FUNCTION keep_referred_rows('orders', 'customer_id');
CREATE TRIGGER orders_keep_renamed AFTER UPDATE OF id ON users
    FOR EACH ROW WHEN (NEW.id <> OLD.id)
    EXECUTE FUNCTION keep_referred_rows('orders', 'customer_id');
CREATE TRIGGER orders_keep_truncated AFTER TRUNCATE ON users
    FOR EACH STATEMENT EXECUTE FUNCTION keep_referred_rows('orders', 'customer_id');

ALTER TABLE orders DROP CONSTRAINT orders_customer_id_fkey;
