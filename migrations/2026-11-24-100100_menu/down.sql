DROP TABLE menu_version;
DROP TABLE stock_adjustments;
DROP TABLE menu_items;
DROP FUNCTION refuse_change_of_history();
DROP FUNCTION refuse_update_that_keeps_version();
