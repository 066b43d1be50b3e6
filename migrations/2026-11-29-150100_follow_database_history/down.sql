DROP TRIGGER follow_database_history_first ON outbox_events;
DROP FUNCTION follow_database_history_first();
