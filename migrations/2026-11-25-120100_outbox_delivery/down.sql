DROP TABLE outbox_retries;
DROP TABLE outbox_subscribers;
DELETE FROM outbox_events WHERE kind NOT IN ('order.placed', 'order.status_changed');
ALTER TABLE outbox_events DROP COLUMN stream_id;
ALTER TABLE outbox_events DROP CONSTRAINT outbox_events_kind_check;
ALTER TABLE outbox_events ADD CONSTRAINT outbox_events_kind_check CHECK (kind IN ('order.placed', 'order.status_changed'));
