-- Servers of the release before would cancel an order without giving back what its lines took of supplies, and give back
-- what lines did not take, because the menu item was not counted: while they still run, they are refused such orders,
-- and no others. Servers of this release say that they go by the lines. To be dropped in the next release, once none of
-- them can run.

-- Whoever may create temporary tables cannot put one in the place of a real one: theirs are looked for last.
SELECT set_config('search_path', format('%I, pg_temp', current_schema()), true);

CREATE FUNCTION refuse_to_keep_supplies() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    IF EXISTS (SELECT FROM order_lines WHERE order_id = NEW.id AND (taken <> '{}' OR NOT counted)) THEN
        RAISE EXCEPTION 'order % took other things than a server of the release before would give back', NEW.id
            USING ERRCODE = 'object_not_in_prerequisite_state',
                  HINT = 'Another server can cancel it.',
                  TABLE = TG_TABLE_NAME, CONSTRAINT = TG_NAME;
    END IF;
    RETURN NEW;
END
$$;

-- Placing orders updates none, and any other update pays for one comparison at most.
CREATE TRIGGER supplies_are_given_back
    BEFORE UPDATE OF status ON orders
    FOR EACH ROW
    WHEN (NEW.status = 'cancelled' AND OLD.status <> 'cancelled'
          AND current_setting('comanda.gives_supplies_back', true) IS DISTINCT FROM 'on')
    EXECUTE FUNCTION refuse_to_keep_supplies();

COMMENT ON FUNCTION refuse_to_keep_supplies() IS 'keeps servers of the release before from cancelling orders that took of supplies, or of what is not counted; to be dropped in the next release';
COMMENT ON TRIGGER supplies_are_given_back ON orders IS 'for servers of the release before; to be dropped in the next release';
