-- Servers of the release before would summarize sales without what was chosen: while they still run, they leave orders
-- with choices to servers of this release, which say that they count choices. Reports need no summary to be exact. To
-- be dropped in the next release, once none of them can run.

-- Whoever may create temporary tables cannot put one in the place of a real one: theirs are looked for last.
SELECT set_config('search_path', format('%I, pg_temp', current_schema()), true);

CREATE FUNCTION refuse_to_leave_out_choices() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    IF EXISTS (
        SELECT FROM outbox_events v JOIN order_lines l ON l.order_id = v.subject_id
        WHERE (v.transaction_id, v.id) > (OLD.transaction_id, OLD.event_id)
          AND (v.transaction_id, v.id) <= (NEW.transaction_id, NEW.event_id)
          AND l.selections IS NOT NULL
    ) THEN
        RAISE EXCEPTION 'a server of the release before cannot count what was chosen'
            USING ERRCODE = 'object_not_in_prerequisite_state',
                  HINT = 'Another server summarizes these sales.',
                  TABLE = TG_TABLE_NAME, CONSTRAINT = TG_NAME;
    END IF;
    RETURN NEW;
END
$$;

-- Whoever only begins another history has summarized nothing.
CREATE TRIGGER choices_are_summarized
    BEFORE UPDATE ON sales_summarized
    FOR EACH ROW
    WHEN (NEW.history = OLD.history AND current_setting('comanda.counts_choices', true) IS DISTINCT FROM 'on')
    EXECUTE FUNCTION refuse_to_leave_out_choices();

COMMENT ON FUNCTION refuse_to_leave_out_choices() IS 'keeps servers of the release before from summarizing orders with choices; to be dropped in the next release';
COMMENT ON TRIGGER choices_are_summarized ON sales_summarized IS 'for servers of the release before; to be dropped in the next release';
