UPDATE outbox_events SET transaction_id = 0 WHERE transaction_id <> 0;
DELETE FROM sales_by_quarter_hour;
DELETE FROM item_sales_by_hour;
DELETE FROM item_sales_by_day;
UPDATE sales_summarized SET transaction_id = 0, event_id = 0;
