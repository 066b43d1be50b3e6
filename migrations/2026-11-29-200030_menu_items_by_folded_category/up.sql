-- In place of menu_items_by_category, which servers of the release before use.
CREATE INDEX CONCURRENTLY IF NOT EXISTS menu_items_by_folded_category ON menu_items (folded_for_search(category))
    WHERE archived_at IS NULL;
