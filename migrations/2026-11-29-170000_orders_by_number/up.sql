-- Orders by the number that is called out, the newest first. It starts again after 24,000 orders.
CREATE INDEX CONCURRENTLY IF NOT EXISTS orders_by_number ON orders ((number % 24000), id);
