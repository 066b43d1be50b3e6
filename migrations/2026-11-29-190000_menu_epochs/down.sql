DROP TRIGGER menu_epoch_begins ON menu_version;
DROP TRIGGER menu_epoch_ends ON menu_version;
DROP FUNCTION begin_menu_epoch();
ALTER TABLE menu_version DROP COLUMN epoch_place, DROP COLUMN epoch;
DROP FUNCTION menu_place(oid);
