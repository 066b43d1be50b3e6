-- Orders that nobody has accepted, the oldest first: those that stay unpaid are cancelled.
CREATE INDEX CONCURRENTLY IF NOT EXISTS pending_orders_by_time ON orders (created_at, id) WHERE status = 'pending';
