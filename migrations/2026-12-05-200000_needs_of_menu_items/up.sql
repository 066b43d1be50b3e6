-- Between which amounts lies everything that the menu compares the stock of a supply with, for the sake of a menu item:
-- so that whoever takes of a supply finds out by an index whether the menu shows something else then. It follows from
-- recipes, options and what menu items offer, which refer to supplies and menu items; this needs no references of its own.
-- Servers of the release before know none of these tables.
CREATE TABLE menu_item_needs (
    menu_item_id uuid NOT NULL,
    supply_id    uuid NOT NULL,
    least        integer NOT NULL CHECK (least >= 1),
    most         integer NOT NULL,
    PRIMARY KEY (menu_item_id, supply_id),
    CONSTRAINT menu_item_needs_bounds CHECK (least <= most)
);

COMMENT ON TABLE menu_item_needs IS 'what a menu item, and what can be chosen with it, take of a supply at least and at most';

CREATE INDEX menu_item_needs_by_supply ON menu_item_needs (supply_id, most);

INSERT INTO menu_item_needs (menu_item_id, supply_id, least, most)
SELECT menu_item_id, supply_id, greatest(sum(fewest), 1)::integer, least(sum(up_to), 2147483647)::integer
FROM (
    SELECT menu_item_id, supply_id, amount::bigint AS fewest, amount::bigint AS up_to FROM recipe_ingredients
    UNION ALL
    SELECT f.menu_item_id, o.supply_id, sum(least(o.supply_amount, 0))::bigint * f.max_each,
           max(greatest(o.supply_amount, 0))::bigint * greatest(f.min, 1)
    FROM menu_item_option_groups f JOIN menu_options o ON o.group_id = f.group_id
    WHERE o.archived_at IS NULL AND o.supply_id IS NOT NULL
    GROUP BY f.menu_item_id, f.group_id, o.supply_id
) parts
GROUP BY menu_item_id, supply_id
HAVING sum(up_to) > 0;
