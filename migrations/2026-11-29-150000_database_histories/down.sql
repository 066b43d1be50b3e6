DROP TRIGGER follow_database_history_first ON outbox_events;
DROP FUNCTION follow_database_history_first();
DROP FUNCTION follow_database_history();
ALTER TABLE sales_summarized DROP COLUMN history;
ALTER TABLE outbox_subscribers DROP COLUMN history;
DROP FUNCTION latest_database_history();
DROP TABLE database_histories;
