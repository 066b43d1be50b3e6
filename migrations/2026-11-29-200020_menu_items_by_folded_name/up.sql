-- In place of menu_items_by_search_form, which servers of the release before use. What sales change is not in it, so their
-- updates stay on their page (heap-only tuples).
CREATE INDEX CONCURRENTLY IF NOT EXISTS menu_items_by_folded_name
    ON menu_items USING gin (folded_for_search(name) gin_trgm_ops) WHERE archived_at IS NULL;
