-- Servers of the release before know of no recipes, and would archive a supply that menu items and options take of.

-- Whoever may create temporary tables cannot put one in the place of a real one: theirs are looked for last.
SELECT set_config('search_path', format('%I, pg_temp', current_schema()), true);

CREATE FUNCTION refuse_to_archive_supply_in_use() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    IF EXISTS (SELECT FROM recipe_ingredients r JOIN menu_items i ON i.id = r.menu_item_id
               WHERE r.supply_id = NEW.id AND i.archived_at IS NULL)
        OR EXISTS (SELECT FROM menu_options WHERE supply_id = NEW.id AND archived_at IS NULL) THEN
        RAISE EXCEPTION 'supply % is in use by a recipe or an option', NEW.id
            USING ERRCODE = 'object_not_in_prerequisite_state', TABLE = TG_TABLE_NAME, CONSTRAINT = TG_NAME;
    END IF;
    RETURN NEW;
END
$$;

CREATE TRIGGER supplies_in_use_stay
    BEFORE UPDATE ON supplies
    FOR EACH ROW WHEN (NEW.archived_at IS NOT NULL AND OLD.archived_at IS NULL)
    EXECUTE FUNCTION refuse_to_archive_supply_in_use();
