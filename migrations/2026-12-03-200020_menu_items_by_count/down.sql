DROP INDEX CONCURRENTLY menu_items_not_counted;
