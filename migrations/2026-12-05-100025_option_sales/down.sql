DROP TABLE option_sales_by_day;
DROP FUNCTION chosen_options;
