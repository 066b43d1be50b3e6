-- The number of a transaction means something only in the cluster that gave it. A dump that is restored into another cluster
-- brings numbers along which that cluster may not have reached, or which it passed long ago. Events of each cluster are
-- ordered by transaction; whatever a cluster wrote comes after all that was there when its first event was written.
CREATE TABLE database_histories (
    id                integer PRIMARY KEY,
    system_identifier bigint NOT NULL,
    after_event       bigint NOT NULL,
    first_transaction bigint NOT NULL,
    noticed_at        timestamptz NOT NULL DEFAULT now()
);

COMMENT ON TABLE database_histories IS
    'the clusters that this database has been in, numbered from 1 without a gap; the last one is current';
COMMENT ON COLUMN database_histories.after_event IS 'the last event of the histories before';
COMMENT ON COLUMN database_histories.first_transaction IS 'no event of this history was written by an earlier transaction';

INSERT INTO database_histories (id, system_identifier, after_event, first_transaction)
SELECT 1, system_identifier, 0, 0 FROM pg_control_system();

CREATE FUNCTION latest_database_history() RETURNS integer LANGUAGE sql STABLE AS
    'SELECT max(id) FROM database_histories';

-- A position is an event of this history. The constant first, which is right for the rows that there are.
ALTER TABLE outbox_subscribers ADD COLUMN history integer NOT NULL DEFAULT 1 REFERENCES database_histories;
ALTER TABLE outbox_subscribers ALTER COLUMN history SET DEFAULT latest_database_history();
ALTER TABLE sales_summarized ADD COLUMN history integer NOT NULL DEFAULT 1 REFERENCES database_histories;
ALTER TABLE sales_summarized ALTER COLUMN history SET DEFAULT latest_database_history();

-- Begins a new history if the database is in another cluster than before, or if events are ahead of every transaction of this
-- one. Returns whether it did.
CREATE FUNCTION follow_database_history() RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    here     constant bigint := (SELECT system_identifier FROM pg_control_system());
    latest   database_histories;
    moved    boolean;
    next     bigint;
    boundary bigint;
BEGIN
    FOR attempt IN 1..2 LOOP
        next := pg_snapshot_xmax(pg_current_snapshot())::text::bigint;
        SELECT * INTO STRICT latest FROM database_histories ORDER BY id DESC LIMIT 1;
        moved := latest.system_identifier <> here;
        IF NOT moved
            AND NOT EXISTS (SELECT FROM outbox_subscribers WHERE history = latest.id AND transaction_id > next)
            AND NOT EXISTS (SELECT FROM sales_summarized WHERE history = latest.id AND transaction_id > next)
        THEN
            RETURN false;
        END IF;
        -- Looks again once nobody else does the same.
        IF attempt = 1 THEN
            LOCK TABLE database_histories IN SHARE ROW EXCLUSIVE MODE;
        END IF;
    END LOOP;

    IF moved THEN
        -- Nothing was written here yet: a trigger brings every writer here first.
        SELECT greatest(max(id), latest.after_event) INTO boundary FROM outbox_events;
    ELSE
        -- The last event that this cluster cannot have written.
        SELECT id INTO boundary FROM outbox_events WHERE transaction_id > next ORDER BY transaction_id DESC, id DESC LIMIT 1;
        IF boundary IS NULL THEN
            -- Only positions are wrong: they are those of their events, or go on by id.
            UPDATE outbox_subscribers p
            SET transaction_id = coalesce((SELECT transaction_id FROM outbox_events WHERE id = p.event_id),
                                          (SELECT min(transaction_id) FROM outbox_events WHERE id > p.event_id), next)
            WHERE history = latest.id AND transaction_id > next;
            UPDATE sales_summarized p
            SET transaction_id = coalesce((SELECT transaction_id FROM outbox_events WHERE id = p.event_id),
                                          (SELECT min(transaction_id) FROM outbox_events WHERE id > p.event_id), next)
            WHERE history = latest.id AND transaction_id > next;
            RETURN false;
        END IF;
        SELECT greatest(max(id), boundary, latest.after_event) INTO boundary
        FROM outbox_events WHERE id > boundary AND transaction_id > next;
    END IF;
    INSERT INTO database_histories (id, system_identifier, after_event, first_transaction)
    SELECT latest.id + 1, here, boundary,
           least(pg_snapshot_xmin(pg_current_snapshot())::text::bigint, min(transaction_id))
    FROM outbox_events WHERE id > boundary;
    RETURN true;
END
$$;

-- Restored before somebody knew of histories.
SELECT follow_database_history();
