CREATE INDEX CONCURRENTLY IF NOT EXISTS menu_items_by_category ON menu_items (search_form(category)) WHERE archived_at IS NULL;
