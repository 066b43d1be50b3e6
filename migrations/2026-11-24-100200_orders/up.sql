CREATE SEQUENCE order_numbers AS bigint MINVALUE 0 START WITH 0;

CREATE TABLE orders (
    id                  uuid PRIMARY KEY,
    customer_id         uuid NOT NULL REFERENCES users,
    request_fingerprint uuid,
    number              bigint NOT NULL DEFAULT nextval('order_numbers'),
    total               bigint NOT NULL CHECK (total >= 0),
    created_at          timestamptz NOT NULL,
    updated_at          timestamptz NOT NULL,
    version             integer NOT NULL DEFAULT 1 CHECK (version >= 1),
    line_count          smallint NOT NULL CHECK (line_count BETWEEN 1 AND 50),
    status              text NOT NULL DEFAULT 'pending'
        CHECK (status IN ('pending', 'accepted', 'preparing', 'ready', 'completed', 'cancelled')),
    idempotency_key     text,
    note                text,
    cancel_reason       text,
    CHECK ((idempotency_key IS NULL) = (request_fingerprint IS NULL))
);

ALTER SEQUENCE order_numbers OWNED BY orders.number;

COMMENT ON COLUMN orders.request_fingerprint IS '128 bits of a hash of the request that carried idempotency_key';
COMMENT ON COLUMN orders.idempotency_key IS 'in the order''s own row: a row of its own costs a third of the orders a second';

CREATE UNIQUE INDEX orders_idempotency ON orders (customer_id, idempotency_key) WHERE idempotency_key IS NOT NULL;
CREATE INDEX orders_by_customer ON orders (customer_id, id);
CREATE INDEX orders_by_status ON orders (status, id);

CREATE TABLE order_lines (
    order_id     uuid NOT NULL REFERENCES orders,
    menu_item_id uuid NOT NULL REFERENCES menu_items,
    unit_price   bigint NOT NULL CHECK (unit_price >= 0),
    quantity     integer NOT NULL CHECK (quantity BETWEEN 1 AND 100),
    position     smallint NOT NULL CHECK (position BETWEEN 0 AND 49),
    name         text NOT NULL,
    note         text,
    PRIMARY KEY (order_id, position)
);

COMMENT ON COLUMN order_lines.name IS 'of the moment of ordering, like unit_price';

CREATE TABLE idempotency_keys (
    caller_id           uuid NOT NULL REFERENCES users,
    order_id            uuid NOT NULL REFERENCES orders,
    request_fingerprint uuid NOT NULL,
    recorded_at         timestamptz NOT NULL,
    key                 text NOT NULL,
    PRIMARY KEY (caller_id, key)
);

COMMENT ON TABLE idempotency_keys IS 'of requests about an order that exists; the key of its placement stands in the order''s own row';

CREATE TABLE outbox_events (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    subject_id      uuid NOT NULL,
    occurred_at     timestamptz NOT NULL,
    subject_version integer NOT NULL,
    kind            text NOT NULL CHECK (kind IN ('order.placed', 'order.status_changed'))
);

COMMENT ON TABLE outbox_events IS 'written in the transaction that caused them; they point at their subject instead of repeating it';
