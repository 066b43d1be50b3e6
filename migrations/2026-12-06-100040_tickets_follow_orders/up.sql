-- Servers of the release before know no tickets: an order that they cancel, or call ready, would leave its tickets open.
-- Those of this release have settled the tickets by then. To be dropped in the next release, once none of the others can
-- run.

-- Whoever may create temporary tables cannot put one in the place of a real one: theirs are looked for last.
SELECT set_config('search_path', format('%I, pg_temp', current_schema()), true);

CREATE FUNCTION settle_tickets() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    WITH settled AS (
        UPDATE kitchen_tickets
        SET state = CASE NEW.status WHEN 'cancelled' THEN 'void' ELSE 'ready' END, version = version + 1, updated_at = NEW.updated_at
        WHERE order_id = NEW.id AND state IN ('queued', 'cooking')
        RETURNING id, version
    )
    INSERT INTO outbox_events (kind, subject_id, subject_version, occurred_at, stream_id)
    SELECT 'ticket.changed', id, version, NEW.updated_at, NEW.id FROM settled;
    RETURN NULL;
END
$$;

-- Placing orders updates none, and most other updates pay for one comparison.
CREATE TRIGGER tickets_follow_their_order
    AFTER UPDATE OF status ON orders
    FOR EACH ROW WHEN (NEW.status IN ('ready', 'cancelled') AND OLD.status <> NEW.status)
    EXECUTE FUNCTION settle_tickets();

COMMENT ON FUNCTION settle_tickets() IS 'for servers of the release before, which know no tickets; to be dropped in the next release';
COMMENT ON TRIGGER tickets_follow_their_order ON orders IS 'for servers of the release before; to be dropped in the next release';
