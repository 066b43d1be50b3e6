ALTER TABLE menu_items DROP COLUMN station_id;
