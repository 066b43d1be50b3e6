CREATE TABLE payments (
    id            uuid PRIMARY KEY,
    order_id      uuid NOT NULL REFERENCES orders,
    amount        bigint NOT NULL CHECK (amount >= 0),
    refunded      bigint NOT NULL DEFAULT 0 CHECK (refunded BETWEEN 0 AND amount),
    begun_at      timestamptz NOT NULL,
    updated_at    timestamptz NOT NULL,
    expires_at    timestamptz,
    paid_at       timestamptz,
    reported_at   timestamptz,
    taken_until   timestamptz,
    version       integer NOT NULL DEFAULT 1,
    call_off      boolean NOT NULL DEFAULT false,
    method        text NOT NULL CHECK (method IN ('card', 'counter')),
    status        text NOT NULL CHECK (status IN
        ('pending', 'requires_action', 'succeeded', 'failed', 'cancelled', 'partly_refunded', 'refunded')),
    intent        text UNIQUE,
    client_secret text
);

COMMENT ON COLUMN payments.refunded IS 'given back, or about to be: refunds that have not failed';
COMMENT ON COLUMN payments.expires_at IS 'the order waits for a card until then';
COMMENT ON COLUMN payments.reported_at IS 'of the gateway''s youngest report that counted, by its clock';
COMMENT ON COLUMN payments.taken_until IS 'a server is telling the gateway';
COMMENT ON COLUMN payments.call_off IS 'the gateway has to be told that nobody may pay any more';
COMMENT ON COLUMN payments.intent IS 'the gateway''s name for it';

-- Nobody pays twice: of one order one payment at most is open, or paid.
CREATE UNIQUE INDEX payments_that_count ON payments (order_id)
    WHERE status IN ('pending', 'requires_action', 'failed', 'succeeded', 'partly_refunded');
CREATE INDEX payments_of_order ON payments (order_id, id);
CREATE INDEX payments_by_expiry ON payments (expires_at) WHERE status IN ('pending', 'requires_action', 'failed') AND method = 'card';
CREATE INDEX payments_by_payment ON payments (paid_at) WHERE paid_at IS NOT NULL;
CREATE INDEX payments_to_call_off ON payments (id) WHERE call_off;

CREATE TABLE refunds (
    id           uuid PRIMARY KEY,
    payment_id   uuid NOT NULL REFERENCES payments,
    requested_by uuid REFERENCES users,
    amount       bigint NOT NULL CHECK (amount > 0),
    created_at   timestamptz NOT NULL,
    settled_at   timestamptz,
    taken_until  timestamptz,
    status       text NOT NULL CHECK (status IN ('pending', 'succeeded', 'failed')),
    reason       text NOT NULL
);

COMMENT ON COLUMN refunds.requested_by IS 'null: a rule, such as that a cancelled order is given its money back';

CREATE INDEX refunds_of_payment ON refunds (payment_id);
CREATE INDEX refunds_by_settlement ON refunds (settled_at) WHERE status = 'succeeded';
CREATE INDEX refunds_to_make ON refunds (created_at) WHERE status = 'pending';

CREATE TABLE gateway_events (
    id          text PRIMARY KEY,
    received_at timestamptz NOT NULL,
    handled_at  timestamptz,
    taken_until timestamptz,
    body        text NOT NULL
);

COMMENT ON TABLE gateway_events IS 'the inbox: what the payment gateway has signed and sent, each event once';

CREATE INDEX gateway_events_to_handle ON gateway_events (received_at) WHERE handled_at IS NULL;

-- A request for a payment is answered again as it was.
ALTER TABLE idempotency_keys ADD COLUMN payment_id uuid REFERENCES payments;
ALTER TABLE idempotency_keys ADD COLUMN answered_status text;
