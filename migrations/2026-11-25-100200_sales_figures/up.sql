-- Which transaction wrote an event: whatever is below pg_snapshot_xmin has ended, so that a reader of events in the order of
-- (transaction_id, id) can never be overtaken by one that commits late. A constant default first, which rewrites no row:
-- events of before count as written by transaction 0. Servers of before get the second default.
ALTER TABLE outbox_events ADD COLUMN transaction_id bigint NOT NULL DEFAULT 0;
ALTER TABLE outbox_events ALTER COLUMN transaction_id SET DEFAULT pg_current_xact_id()::text::bigint;

CREATE TABLE sales_by_quarter_hour (
    slot     timestamptz PRIMARY KEY,
    orders   bigint NOT NULL,
    quantity bigint NOT NULL,
    revenue  numeric NOT NULL
) WITH (fillfactor = 70);

COMMENT ON TABLE sales_by_quarter_hour IS
    'by the time of placement, cancelled orders left out; a quarter of an hour fits every time zone''s hours and days';

CREATE TABLE item_sales_by_hour (
    hour         timestamptz,
    menu_item_id uuid REFERENCES menu_items,
    quantity     bigint NOT NULL,
    revenue      numeric NOT NULL,
    PRIMARY KEY (hour, menu_item_id)
) WITH (fillfactor = 70);

CREATE TABLE item_sales_by_day (
    day          timestamptz,
    menu_item_id uuid REFERENCES menu_items,
    quantity     bigint NOT NULL,
    revenue      numeric NOT NULL,
    PRIMARY KEY (day, menu_item_id)
) WITH (fillfactor = 70);

COMMENT ON TABLE item_sales_by_day IS 'days of UTC: the sum of the hours';

CREATE TABLE sales_summarized (
    only_row       boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    transaction_id bigint NOT NULL,
    event_id       bigint NOT NULL
);

COMMENT ON TABLE sales_summarized IS 'up to which event, in the order of (transaction_id, id), the summaries go; reports add the rest';

INSERT INTO sales_summarized (transaction_id, event_id) VALUES (0, 0);
