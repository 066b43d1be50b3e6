-- A number of a version of the menu stands for one menu only within an epoch. A restored dump, a failover or a recovery
-- takes numbers back, and the same ones are given to other menus: what a server, or Redis, remembers is of another epoch.

-- Where the table is: the cluster, its timeline, the database and the table, since a dump may be restored beside the
-- original. It fails on a replica.
CREATE FUNCTION menu_place(menu_table oid) RETURNS text LANGUAGE sql STABLE AS
    'SELECT concat_ws(''/'', (SELECT system_identifier FROM pg_catalog.pg_control_system()),
                      left(pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_lsn()), 8),
                      (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database()),
                      menu_table)';

ALTER TABLE menu_version
    ADD COLUMN epoch uuid NOT NULL DEFAULT gen_random_uuid(),
    ADD COLUMN epoch_place text NOT NULL DEFAULT '';

COMMENT ON COLUMN menu_version.epoch IS 'versions of different epochs cannot be compared';
COMMENT ON COLUMN menu_version.epoch_place IS 'where it began; anywhere else the first reader begins another one';

UPDATE menu_version SET epoch_place = menu_place(tableoid);

CREATE FUNCTION begin_menu_epoch() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    NEW.epoch := gen_random_uuid();
    NEW.epoch_place := menu_place(TG_RELID);
    RETURN NEW;
END
$$;

-- Every change of the menu raises the version by one. Whatever else is done to it, by hand or by a data-only restore,
-- gives numbers another meaning. Subtracted, as the greatest number has no successor.
CREATE TRIGGER menu_epoch_ends BEFORE UPDATE ON menu_version
    FOR EACH ROW WHEN (NEW.version - 1 <> OLD.version) EXECUTE FUNCTION begin_menu_epoch();
CREATE TRIGGER menu_epoch_begins BEFORE INSERT ON menu_version
    FOR EACH ROW EXECUTE FUNCTION begin_menu_epoch();
