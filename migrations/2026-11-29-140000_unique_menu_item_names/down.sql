DROP TRIGGER menu_item_is_no_twin_once_renamed ON menu_items;
DROP FUNCTION end_being_a_twin();
DROP INDEX menu_item_names;
ALTER TABLE menu_items DROP COLUMN is_twin;
