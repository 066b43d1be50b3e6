-- For the hours at both ends of a report, which are read from the orders themselves. Orders lie on disk as they came in, so
-- this costs an insert next to nothing.
CREATE INDEX CONCURRENTLY IF NOT EXISTS orders_by_time ON orders USING brin (created_at) WITH (pages_per_range = 16, autosummarize = on);
