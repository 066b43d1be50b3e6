ALTER TABLE orders ADD CONSTRAINT orders_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES users (id);

DROP TRIGGER orders_keep_truncated ON users;
DROP TRIGGER orders_keep_renamed ON users;
DROP TRIGGER orders_keep_deleted ON users;
DROP TRIGGER customer_id_is_still_there ON orders;
DROP TRIGGER customer_id_is_there ON orders;
DROP FUNCTION find_customers_of_orders();
