DROP FUNCTION follow_database_history();
ALTER TABLE sales_summarized DROP COLUMN history;
ALTER TABLE outbox_subscribers DROP COLUMN history;
DROP FUNCTION latest_database_history();
DROP TABLE database_histories;
