DROP INDEX outbox_retries_live;
