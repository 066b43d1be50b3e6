DROP TABLE menu_item_needs;
