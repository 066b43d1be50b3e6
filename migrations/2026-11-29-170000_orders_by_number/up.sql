-- Orders by their running count: those with a number that is called out are every 24,000th.
CREATE INDEX CONCURRENTLY IF NOT EXISTS orders_by_number ON orders (number);
