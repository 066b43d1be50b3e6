CREATE FUNCTION follow_database_history_first() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- Positions, which others may have locked, are not an order's concern.
    IF (SELECT system_identifier FROM database_histories ORDER BY id DESC LIMIT 1)
        <> (SELECT system_identifier FROM pg_control_system())
    THEN
        PERFORM follow_database_history();
    END IF;
    -- A session never moves to another cluster, so it asks once.
    PERFORM set_config('comanda.history_is_known', 'yes', false);
    RETURN NULL;
END
$$;

-- A trigger, so that no event of a new history is written before its beginning is known, whichever server writes it.
CREATE TRIGGER follow_database_history_first BEFORE INSERT ON outbox_events
    FOR EACH STATEMENT WHEN (current_setting('comanda.history_is_known', true) IS DISTINCT FROM 'yes')
    EXECUTE FUNCTION follow_database_history_first();
