CREATE TABLE leases (
    name       text PRIMARY KEY,
    holder     uuid NOT NULL,
    held_until timestamptz NOT NULL
);

COMMENT ON TABLE leases IS 'who of the servers does something alone, until when by the database''s clock';

CREATE TABLE outbox_horizon (
    only_row       boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    deleted_before timestamptz NOT NULL
);

COMMENT ON TABLE outbox_horizon IS 'events that happened before this may have been deleted; later ones are complete';

INSERT INTO outbox_horizon (deleted_before) VALUES ('-infinity');

ALTER TABLE outbox_subscribers ADD COLUMN seen_at timestamptz NOT NULL DEFAULT now();

COMMENT ON COLUMN outbox_subscribers.seen_at IS 'when a server last delivered to it, or was set up to; events are kept for those that were seen lately';
