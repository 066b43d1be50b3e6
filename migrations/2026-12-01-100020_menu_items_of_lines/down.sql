ALTER TABLE order_lines ADD CONSTRAINT order_lines_menu_item_id_fkey FOREIGN KEY (menu_item_id) REFERENCES menu_items (id);

DROP TRIGGER order_lines_keep_truncated ON menu_items;
DROP TRIGGER order_lines_keep_renamed ON menu_items;
DROP TRIGGER order_lines_keep_deleted ON menu_items;
DROP TRIGGER menu_item_id_is_still_there ON order_lines;
DROP TRIGGER menu_item_id_is_there ON order_lines;
DROP FUNCTION find_menu_items_of_lines();
