ALTER TABLE order_lines ADD CONSTRAINT order_lines_order_id_fkey FOREIGN KEY (order_id) REFERENCES orders (id);

DROP TRIGGER order_lines_keep_truncated ON orders;
DROP TRIGGER order_lines_keep_renamed ON orders;
DROP TRIGGER order_lines_keep_deleted ON orders;
DROP TRIGGER order_id_is_still_there ON order_lines;
DROP TRIGGER order_id_is_there ON order_lines;
DROP FUNCTION find_orders_of_lines();
