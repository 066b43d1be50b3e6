CREATE TABLE payment_incidents (
    id                text PRIMARY KEY,
    payment_id        uuid NOT NULL REFERENCES payments,
    amount            bigint NOT NULL,
    opened_at         timestamptz NOT NULL,
    reported_at       timestamptz NOT NULL,
    funds_reported_at timestamptz,
    withdrawn         boolean NOT NULL DEFAULT false,
    kind              text NOT NULL CHECK (kind IN ('mismatch', 'dispute')),
    currency          text NOT NULL,
    status            text NOT NULL CHECK (status IN ('needs_response', 'under_review', 'won', 'lost')),
    reason            text NOT NULL
);

COMMENT ON TABLE payment_incidents IS 'what staff have to look into: amounts that are not what was asked for, and disputes';
COMMENT ON COLUMN payment_incidents.id IS 'the gateway''s: of the dispute, or of the intent whose amount is not what was asked for';
COMMENT ON COLUMN payment_incidents.amount IS 'in minor units: what was received, or what is disputed';
COMMENT ON COLUMN payment_incidents.reported_at IS 'of the gateway''s youngest report of the status, by its clock';
COMMENT ON COLUMN payment_incidents.funds_reported_at IS 'of the gateway''s youngest report of withdrawn';
COMMENT ON COLUMN payment_incidents.withdrawn IS 'the gateway has taken the disputed money from us';

CREATE INDEX incidents_of_payment ON payment_incidents (payment_id);

-- What came for a payment is one amount.
CREATE UNIQUE INDEX mismatch_of_payment ON payment_incidents (payment_id) WHERE kind = 'mismatch' AND reason = 'amount';
