-- Null: the menu item goes where its category goes. Servers of the release before leave it alone.
ALTER TABLE menu_items ADD COLUMN station_id uuid CONSTRAINT menu_items_station_id_fkey REFERENCES kitchen_stations;

COMMENT ON COLUMN menu_items.station_id IS 'where it is made; null: where its category is';
