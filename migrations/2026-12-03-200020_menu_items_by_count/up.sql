-- By which every batch of orders finds out which of its menu items take no lock. It is empty where everything is
-- counted, and sales change nothing in it, so their updates stay on their page (heap-only tuples).
CREATE INDEX CONCURRENTLY IF NOT EXISTS menu_items_not_counted ON menu_items (id) WHERE NOT counted;
