-- Servers of the release before take disputes, and refunds that were made at the gateway, for no concern of theirs, and
-- count them as handled. While they still run, these are left for a server that records them. To be dropped in a later
-- release, once none of them can run.
--
-- Of an event that this release takes, attempts is at least 1. A text, and not jsonb, which cannot hold every event.
CREATE FUNCTION leave_gateway_event() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.unknown_kind := substring(NEW.body FROM
        '"type"\s*:\s*"(charge\.dispute\.[a-z_]+|charge\.refunded|charge\.refund\.updated|refund\.[a-z_]+)"');
    RETURN NEW;
END
$$;

CREATE TRIGGER leave_gateway_event BEFORE UPDATE OF handled_at ON gateway_events FOR EACH ROW
    WHEN (OLD.handled_at IS NULL AND NEW.handled_at IS NOT NULL AND NEW.attempts = 0 AND NEW.malformed IS NULL)
    EXECUTE FUNCTION leave_gateway_event();
