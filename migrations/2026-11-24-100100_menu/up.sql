CREATE TABLE menu_items (
    id           uuid PRIMARY KEY,
    version      bigint NOT NULL DEFAULT 1 CHECK (version >= 1),
    price        bigint NOT NULL CHECK (price BETWEEN 0 AND 100000000),
    created_at   timestamptz NOT NULL,
    updated_at   timestamptz NOT NULL,
    archived_at  timestamptz,
    stock        integer NOT NULL CONSTRAINT stock_is_never_negative CHECK (stock >= 0),
    low_stock_at integer NOT NULL CHECK (low_stock_at >= 0),
    revision     integer NOT NULL DEFAULT 1 CHECK (revision >= 1),
    active       boolean NOT NULL,
    name         text NOT NULL,
    category     text NOT NULL,
    description  text NOT NULL
)
-- A menu item in demand is updated thousands of times a minute. Room on its page and no index on what sales change keep
-- the updates on that page (heap-only tuples); frequent vacuums, counted in rows, free the space again.
WITH (
    fillfactor = 40,
    autovacuum_vacuum_scale_factor = 0,
    autovacuum_vacuum_threshold = 1000,
    autovacuum_vacuum_cost_delay = 0
);

COMMENT ON COLUMN menu_items.version IS 'raised by every write, sales included: the optimistic lock';
COMMENT ON COLUMN menu_items.revision IS 'raised when the details change: what an ETag shows';
COMMENT ON COLUMN menu_items.price IS 'minor units of the deployment''s currency';

CREATE INDEX menu_items_by_place_on_the_menu ON menu_items (category, name, id) WHERE archived_at IS NULL;

-- The condition stands on the trigger, so that a lawful update does not even call the function.
CREATE FUNCTION refuse_update_that_keeps_version() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'menu item %: an update must raise version from % to %, not to %', OLD.id, OLD.version, OLD.version + 1, NEW.version
        USING ERRCODE = 'check_violation', CONSTRAINT = 'menu_item_version_rises_by_one';
END
$$;

CREATE TRIGGER menu_item_version_rises_by_one
    BEFORE UPDATE ON menu_items
    FOR EACH ROW WHEN (NEW.version IS DISTINCT FROM OLD.version + 1)
    EXECUTE FUNCTION refuse_update_that_keeps_version();

CREATE TABLE stock_adjustments (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    menu_item_id uuid NOT NULL REFERENCES menu_items,
    adjusted_by  uuid REFERENCES users,
    adjusted_at  timestamptz NOT NULL,
    delta        integer NOT NULL CHECK (delta <> 0),
    reason       text NOT NULL
);

COMMENT ON TABLE stock_adjustments IS 'the stock ledger: stock = sum of adjustments - sum of lines of orders that hold stock';
COMMENT ON COLUMN stock_adjustments.adjusted_by IS 'null: the server''s operator, by an import';

CREATE INDEX stock_adjustments_by_item ON stock_adjustments (menu_item_id);

CREATE FUNCTION refuse_change_of_history() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME;
END
$$;

CREATE TRIGGER stock_adjustments_are_append_only
    BEFORE UPDATE OR DELETE OR TRUNCATE ON stock_adjustments
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_history();

CREATE TABLE menu_version (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    version  bigint NOT NULL
);

COMMENT ON TABLE menu_version IS 'raised in the transaction of every change of the menu that a guest can see';

INSERT INTO menu_version (version) VALUES (1);
