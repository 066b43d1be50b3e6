-- The table is named with its schema, as a search path of the function's own would be set anew for every statement.
DO $migration$ BEGIN EXECUTE format($function$
    CREATE FUNCTION find_menu_items_of_lines() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE
        key uuid;
    BEGIN
        SELECT a.menu_item_id INTO key
        FROM (SELECT DISTINCT menu_item_id FROM added) a
        LEFT JOIN LATERAL (SELECT true AS is_there FROM %I.menu_items WHERE id OPERATOR(pg_catalog.=) a.menu_item_id FOR KEY SHARE) p ON true
        WHERE p.is_there IS NULL LIMIT 1;
        IF key IS NOT NULL THEN
            RAISE foreign_key_violation USING
                MESSAGE = 'insert or update on table "order_lines" violates foreign key constraint "order_lines_menu_item_id_fkey"',
                DETAIL = 'Key (menu_item_id)=(' || key || ') is not present in table "menu_items".',
                SCHEMA = TG_TABLE_SCHEMA, TABLE = 'order_lines', CONSTRAINT = 'order_lines_menu_item_id_fkey';
        END IF;
        RETURN NULL;
    END
    $$
$function$, current_schema()); END $migration$;

CREATE TRIGGER menu_item_id_is_there AFTER INSERT ON order_lines REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION find_menu_items_of_lines();
CREATE TRIGGER menu_item_id_is_still_there AFTER UPDATE OF menu_item_id ON order_lines
    FOR EACH ROW WHEN (NEW.menu_item_id <> OLD.menu_item_id)
    EXECUTE FUNCTION check_changed_reference('menu_item_id', 'menu_items');
CREATE TRIGGER order_lines_keep_deleted AFTER DELETE ON menu_items REFERENCING OLD TABLE AS removed
    FOR EACH STATEMENT EXECUTE FUNCTION keep_referred_rows('order_lines', 'menu_item_id');
CREATE TRIGGER order_lines_keep_renamed AFTER UPDATE OF id ON menu_items
    FOR EACH ROW WHEN (NEW.id <> OLD.id)
    EXECUTE FUNCTION keep_referred_rows('order_lines', 'menu_item_id');
CREATE TRIGGER order_lines_keep_truncated AFTER TRUNCATE ON menu_items
    FOR EACH STATEMENT EXECUTE FUNCTION keep_referred_rows('order_lines', 'menu_item_id');

ALTER TABLE order_lines DROP CONSTRAINT order_lines_menu_item_id_fkey;
