-- Servers of the release before keep the time of any outcome of a refund as that of its success. If one fails that had
-- succeeded, the day of the success, which may be closed, would lose it from the books. To be dropped in a later
-- release, once none of them can run.
CREATE FUNCTION keep_refund_times() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.failed_at := NEW.settled_at;
    NEW.settled_at := OLD.settled_at;
    RETURN NEW;
END
$$;

CREATE TRIGGER keep_refund_times BEFORE UPDATE OF status ON refunds FOR EACH ROW
    WHEN (NEW.status = 'failed' AND OLD.status <> 'failed' AND NEW.failed_at IS NULL)
    EXECUTE FUNCTION keep_refund_times();
