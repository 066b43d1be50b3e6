-- The first status of an order, which a repeated request is answered with and its first event tells. Before anything that
-- refers to orders: a lock that is made stronger later meets whoever has read orders and is about to write one.
ALTER TABLE orders ADD COLUMN accepted_on_placement boolean NOT NULL DEFAULT false;

COMMENT ON COLUMN orders.accepted_on_placement IS 'it was never pending: the server accepted it when it was placed';

-- Version 7 (RFC 9562): whoever writes many rows by one statement needs ids that sort by time as those of servers do.
CREATE FUNCTION uuid_v7(at timestamptz) RETURNS uuid LANGUAGE sql VOLATILE PARALLEL SAFE AS $$
    SELECT encode(set_bit(set_bit(overlay(uuid_send(gen_random_uuid())
        PLACING substring(int8send((extract(epoch FROM at) * 1000)::bigint) FROM 3) FROM 1 FOR 6), 52, 1), 53, 1), 'hex')::uuid
$$;

GRANT EXECUTE ON FUNCTION uuid_v7(timestamptz) TO PUBLIC;

-- What a station makes of an order. The lines are those of the order: they never change.
CREATE TABLE kitchen_tickets (
    id         uuid PRIMARY KEY,
    order_id   uuid NOT NULL REFERENCES orders,
    station_id uuid NOT NULL REFERENCES kitchen_stations,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    version    integer NOT NULL DEFAULT 1 CHECK (version >= 1),
    state      text NOT NULL DEFAULT 'queued' CHECK (state IN ('queued', 'cooking', 'ready', 'void')),
    lines      smallint[] NOT NULL CHECK (cardinality(lines) > 0),
    CONSTRAINT one_ticket_of_an_order_at_a_station UNIQUE (order_id, station_id)
)
-- A ticket changes two or three times, soon after it was written.
WITH (fillfactor = 70);

COMMENT ON COLUMN kitchen_tickets.lines IS 'the positions of the order''s lines that the station makes';

CREATE INDEX kitchen_tickets_by_station ON kitchen_tickets (station_id, id);
CREATE INDEX kitchen_tickets_by_state ON kitchen_tickets (state, id);
CREATE INDEX kitchen_tickets_open ON kitchen_tickets (station_id, state, id) WHERE state IN ('queued', 'cooking');
