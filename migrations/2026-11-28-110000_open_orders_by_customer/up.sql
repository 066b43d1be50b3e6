-- What a customer has ordered and not yet received: counted before another order is placed.
CREATE INDEX CONCURRENTLY IF NOT EXISTS open_orders_by_customer ON orders (customer_id) WHERE status NOT IN ('completed', 'cancelled');
