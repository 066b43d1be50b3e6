DROP INDEX CONCURRENTLY pending_orders_by_time;
