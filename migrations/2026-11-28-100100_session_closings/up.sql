ALTER TABLE sessions ADD COLUMN closing_transaction_id bigint;

COMMENT ON COLUMN sessions.closing_transaction_id IS
    'the transaction that closed it; servers read on from the oldest transaction that may not have ended at their last look';

CREATE FUNCTION note_session_closing() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.closing_transaction_id := pg_current_xact_id()::text::bigint;
    RETURN NEW;
END
$$;

-- A trigger, so that servers of the release before take part.
CREATE TRIGGER note_session_closing BEFORE UPDATE OF closed_at ON sessions
    FOR EACH ROW WHEN (NEW.closed_at IS NOT NULL AND OLD.closed_at IS NULL)
    EXECUTE FUNCTION note_session_closing();
