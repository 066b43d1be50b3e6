-- Of several menu items that share a name in a category already, the oldest counts as having it; the others are left alone
-- until somebody renames them. Marking them and building the index is one transaction, so that no duplicate comes in between;
-- a menu is small, so that this takes no longer than a moment.
ALTER TABLE menu_items ADD COLUMN is_twin boolean NOT NULL DEFAULT false;

COMMENT ON COLUMN menu_items.is_twin IS 'shared its name with another before names were unique; until it is renamed or moved';

UPDATE menu_items
SET is_twin = true, version = version + 1
WHERE id IN (
    SELECT id
    FROM (
        SELECT id, row_number() OVER (
            PARTITION BY lower(normalize(category, NFC)), lower(normalize(name, NFC)) ORDER BY created_at, id
        ) AS place
        FROM menu_items
        WHERE archived_at IS NULL
    ) AS listed
    WHERE place > 1
);

CREATE UNIQUE INDEX menu_item_names ON menu_items (lower(normalize(category, NFC)), lower(normalize(name, NFC)))
    WHERE archived_at IS NULL AND NOT is_twin;

CREATE FUNCTION end_being_a_twin() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.is_twin := false;
    RETURN NEW;
END
$$;

-- Sales set neither column: they never get as far as the condition.
CREATE TRIGGER menu_item_is_no_twin_once_renamed
    BEFORE UPDATE OF name, category ON menu_items
    FOR EACH ROW WHEN (OLD.is_twin AND (NEW.name, NEW.category) IS DISTINCT FROM (OLD.name, OLD.category))
    EXECUTE FUNCTION end_being_a_twin();
