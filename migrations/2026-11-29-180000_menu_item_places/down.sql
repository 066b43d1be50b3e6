DROP TRIGGER names_of_twins_are_not_taken ON menu_items;
DROP TRIGGER names_of_twins_are_not_given ON menu_items;
DROP FUNCTION guard_names_of_twins();
DROP INDEX menu_item_twins;
DROP INDEX menu_item_names;

UPDATE menu_items
SET is_twin = NOT is_twin, version = version + 1
FROM (
    SELECT
        id,
        row_number() OVER (
            PARTITION BY lower(normalize(category, NFC)), lower(normalize(name, NFC)) ORDER BY is_twin, created_at, id
        ) > 1 AS shares_its_name
    FROM menu_items
    WHERE archived_at IS NULL
) AS listed
WHERE menu_items.id = listed.id AND menu_items.is_twin <> listed.shares_its_name;

CREATE UNIQUE INDEX menu_item_names ON menu_items (lower(normalize(category, NFC)), lower(normalize(name, NFC)))
    WHERE archived_at IS NULL AND NOT is_twin;

CREATE FUNCTION end_being_a_twin() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.is_twin := false;
    RETURN NEW;
END
$$;

CREATE TRIGGER menu_item_is_no_twin_once_renamed
    BEFORE UPDATE OF name, category ON menu_items
    FOR EACH ROW WHEN (OLD.is_twin AND (NEW.name, NEW.category) IS DISTINCT FROM (OLD.name, OLD.category))
    EXECUTE FUNCTION end_being_a_twin();

DROP FUNCTION name_form(text);
