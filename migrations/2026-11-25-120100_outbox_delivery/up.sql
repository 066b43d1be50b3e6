-- More can happen now. Rows of before satisfy the wider check as well: nothing has to be read again.
ALTER TABLE outbox_events DROP CONSTRAINT outbox_events_kind_check;
ALTER TABLE outbox_events ADD CONSTRAINT outbox_events_kind_check CHECK (kind IN
    ('order.placed', 'order.status_changed', 'payment.succeeded', 'payment.failed', 'payment.refunded', 'item.sold_out')) NOT VALID;

-- What happens to one order is told in its order, payments included. Null: the subject itself.
ALTER TABLE outbox_events ADD COLUMN stream_id uuid;

CREATE TABLE outbox_subscribers (
    name           text PRIMARY KEY,
    transaction_id bigint NOT NULL,
    event_id       bigint NOT NULL
);

COMMENT ON TABLE outbox_subscribers IS
    'how far each has been told: all events up to this one, in the order of their transactions, are delivered or in outbox_retries';

CREATE TABLE outbox_retries (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    subscriber  text NOT NULL,
    event_id    bigint NOT NULL REFERENCES outbox_events,
    stream_id   uuid NOT NULL,
    attempts    integer NOT NULL DEFAULT 0,
    next_at     timestamptz NOT NULL,
    taken_until timestamptz,
    is_dead     boolean NOT NULL DEFAULT false,
    last_error  text NOT NULL,
    UNIQUE (subscriber, event_id)
);

COMMENT ON TABLE outbox_retries IS
    'events that could not be delivered yet, and those that have to wait for them; dead ones wait for an admin, and nobody waits for them';

CREATE INDEX outbox_retries_of_stream ON outbox_retries (subscriber, stream_id, id) WHERE NOT is_dead;
CREATE INDEX outbox_retries_dead ON outbox_retries (id) WHERE is_dead;
