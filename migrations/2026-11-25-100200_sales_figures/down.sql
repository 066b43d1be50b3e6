DROP TABLE sales_summarized, item_sales_by_day, item_sales_by_hour, sales_by_quarter_hour;
ALTER TABLE outbox_events DROP COLUMN transaction_id;
