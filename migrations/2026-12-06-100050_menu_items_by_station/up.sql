-- Whoever archives a station looks for the menu items that are made there. Most have none of their own. Sales change
-- nothing in it, so their updates stay on their page (heap-only tuples).
CREATE INDEX CONCURRENTLY IF NOT EXISTS menu_items_by_station ON menu_items (station_id) WHERE station_id IS NOT NULL;
