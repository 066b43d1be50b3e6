DROP INDEX outbox_retries_due;
