DROP TABLE supply_adjustments;
DROP TABLE supplies;

CREATE OR REPLACE FUNCTION refuse_update_that_keeps_version() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'menu item %: an update must raise version from % to %, not to %', OLD.id, OLD.version, OLD.version + 1, NEW.version
        USING ERRCODE = 'check_violation', CONSTRAINT = 'menu_item_version_rises_by_one';
END
$$;
