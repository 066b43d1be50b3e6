-- Whatever is counted besides menu items: ingredients, the portions of an option. A supply is guarded as a menu item is, and
-- its row has room on its page for the same reason (see the table menu_items). Servers of the release before know neither
-- table.
CREATE TABLE supplies (
    id           uuid PRIMARY KEY,
    version      bigint NOT NULL DEFAULT 1 CHECK (version >= 1),
    created_at   timestamptz NOT NULL,
    updated_at   timestamptz NOT NULL,
    archived_at  timestamptz,
    stock        integer NOT NULL CONSTRAINT supply_is_never_negative CHECK (stock >= 0),
    low_stock_at integer NOT NULL CHECK (low_stock_at >= 0),
    revision     integer NOT NULL DEFAULT 1 CHECK (revision >= 1),
    unit         text NOT NULL CHECK (unit IN ('piece', 'g', 'ml')),
    name         text NOT NULL
)
WITH (
    fillfactor = 40,
    autovacuum_vacuum_scale_factor = 0,
    autovacuum_vacuum_threshold = 1000,
    autovacuum_vacuum_cost_delay = 0
);

COMMENT ON COLUMN supplies.version IS 'raised by every write: the optimistic lock';
COMMENT ON COLUMN supplies.revision IS 'raised when the details change: what an ETag shows';
COMMENT ON COLUMN supplies.unit IS 'what stock and low_stock_at are counted in; never changes';

CREATE UNIQUE INDEX supply_names ON supplies (name_form(name)) WHERE archived_at IS NULL;
CREATE INDEX supplies_by_name ON supplies (name, id) WHERE archived_at IS NULL;
CREATE INDEX supplies_by_folded_name ON supplies USING gin (folded_for_search(name) gin_trgm_ops) WHERE archived_at IS NULL;

-- The same function as of menu items, which says now of which table it speaks.
CREATE OR REPLACE FUNCTION refuse_update_that_keeps_version() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% %: an update must raise version from % to %, not to %',
        TG_TABLE_NAME, OLD.id, OLD.version, OLD.version + 1, NEW.version
        USING ERRCODE = 'check_violation', CONSTRAINT = TG_NAME;
END
$$;

CREATE TRIGGER supply_version_rises_by_one
    BEFORE UPDATE ON supplies
    FOR EACH ROW WHEN (NEW.version IS DISTINCT FROM OLD.version + 1)
    EXECUTE FUNCTION refuse_update_that_keeps_version();

CREATE TABLE supply_adjustments (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    supply_id   uuid NOT NULL REFERENCES supplies,
    adjusted_by uuid REFERENCES users,
    adjusted_at timestamptz NOT NULL,
    delta       integer NOT NULL CHECK (delta <> 0),
    reason      text NOT NULL
);

COMMENT ON TABLE supply_adjustments IS 'the ledger of supplies: stock = sum of adjustments';
COMMENT ON COLUMN supply_adjustments.adjusted_by IS 'null: the server''s operator, by an import';

CREATE INDEX supply_adjustments_by_supply ON supply_adjustments (supply_id);

CREATE TRIGGER supply_adjustments_are_append_only
    BEFORE UPDATE OR DELETE OR TRUNCATE ON supply_adjustments
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_history();
