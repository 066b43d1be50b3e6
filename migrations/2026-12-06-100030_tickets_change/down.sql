DELETE FROM outbox_retries WHERE event_id IN (SELECT id FROM outbox_events WHERE kind = 'ticket.changed');
DELETE FROM outbox_events WHERE kind = 'ticket.changed';
ALTER TABLE outbox_events
    DROP COLUMN order_status,
    DROP CONSTRAINT outbox_events_kind_check,
    ADD CONSTRAINT outbox_events_kind_check CHECK (kind IN
        ('order.placed', 'order.status_changed', 'payment.succeeded', 'payment.failed', 'payment.refunded', 'item.sold_out')) NOT VALID;
