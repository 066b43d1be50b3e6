DROP INDEX CONCURRENTLY menu_items_by_category;
