DROP INDEX outbox_retries_by_event;
