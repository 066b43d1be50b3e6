-- Lists of orders of a time, the newest first. `orders_by_time` finds the orders of a time, but cannot sort them.
CREATE INDEX CONCURRENTLY IF NOT EXISTS orders_by_creation ON orders (created_at, id);
