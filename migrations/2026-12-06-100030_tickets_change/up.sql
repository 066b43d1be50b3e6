-- Rows of before satisfy the wider check as well: nothing has to be read again. Servers of the release before leave
-- events of a kind that they do not know to newer ones.
ALTER TABLE outbox_events
    DROP CONSTRAINT outbox_events_kind_check,
    ADD CONSTRAINT outbox_events_kind_check CHECK (kind IN
        ('order.placed', 'order.status_changed', 'payment.succeeded', 'payment.failed', 'payment.refunded', 'item.sold_out',
         'ticket.changed')) NOT VALID,
    ADD COLUMN order_status text;

COMMENT ON COLUMN outbox_events.order_status IS
    'of order.status_changed: the status after it. Null, by servers of the release before: orders went one step per version';
