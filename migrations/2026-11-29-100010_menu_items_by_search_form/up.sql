-- For searches within names. What sales change is not in it, so their updates stay on their page (heap-only tuples).
CREATE INDEX CONCURRENTLY IF NOT EXISTS menu_items_by_search_form ON menu_items USING gin (search_form(name) gin_trgm_ops)
    WHERE archived_at IS NULL;
