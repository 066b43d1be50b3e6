-- What can be chosen with menu items, and what they take of supplies. Staff write these tables now and then; placing
-- orders does not read them, but a copy in memory, which goes by the revision of the menu item. So whoever changes what
-- a menu item offers or takes raises its revision. Servers of the release before know none of these tables.
CREATE TABLE option_groups (
    id          uuid PRIMARY KEY,
    created_at  timestamptz NOT NULL,
    updated_at  timestamptz NOT NULL,
    archived_at timestamptz,
    revision    integer NOT NULL DEFAULT 1 CHECK (revision >= 1),
    name        text NOT NULL
);

COMMENT ON COLUMN option_groups.revision IS 'raised by every change of the group or its options: what an ETag shows';

CREATE INDEX option_groups_by_name ON option_groups (name, id) WHERE archived_at IS NULL;

CREATE TABLE menu_options (
    id            uuid PRIMARY KEY,
    group_id      uuid NOT NULL REFERENCES option_groups,
    archived_at   timestamptz,
    price         bigint NOT NULL CHECK (price >= 0),
    position      integer NOT NULL,
    supply_id     uuid REFERENCES supplies,
    supply_amount integer CHECK (supply_amount <> 0),
    name          text NOT NULL,
    allergens     text[] NOT NULL,
    CONSTRAINT menu_options_amount_of_supply CHECK ((supply_id IS NULL) = (supply_amount IS NULL))
);

COMMENT ON TABLE menu_options IS 'an option that is archived keeps its id: orders name it';
COMMENT ON COLUMN menu_options.supply_amount IS 'below zero, it takes away from what the menu item takes';

CREATE INDEX menu_options_by_group ON menu_options (group_id);
CREATE INDEX menu_options_by_supply ON menu_options (supply_id, supply_amount) WHERE archived_at IS NULL;

CREATE TABLE menu_item_option_groups (
    menu_item_id uuid NOT NULL REFERENCES menu_items,
    group_id     uuid NOT NULL REFERENCES option_groups,
    position     integer NOT NULL,
    min          integer NOT NULL CHECK (min >= 0),
    max          integer NOT NULL,
    max_each     integer NOT NULL CHECK (max_each >= 1),
    PRIMARY KEY (menu_item_id, group_id),
    CONSTRAINT menu_item_option_groups_bounds CHECK (max >= 1 AND min <= max)
);

CREATE INDEX menu_item_option_groups_by_group ON menu_item_option_groups (group_id);

CREATE TABLE menu_item_option_prices (
    menu_item_id uuid NOT NULL REFERENCES menu_items,
    option_id    uuid NOT NULL REFERENCES menu_options,
    group_id     uuid NOT NULL,
    position     integer NOT NULL,
    price        bigint NOT NULL CHECK (price >= 0),
    PRIMARY KEY (menu_item_id, option_id),
    FOREIGN KEY (menu_item_id, group_id) REFERENCES menu_item_option_groups ON DELETE CASCADE
);

COMMENT ON TABLE menu_item_option_prices IS 'what an option costs with a menu item, where that differs from its own price';

CREATE INDEX menu_item_option_prices_by_option ON menu_item_option_prices (option_id);

CREATE TABLE recipe_ingredients (
    menu_item_id uuid NOT NULL REFERENCES menu_items,
    supply_id    uuid NOT NULL REFERENCES supplies,
    position     integer NOT NULL,
    amount       integer NOT NULL CHECK (amount >= 1),
    PRIMARY KEY (menu_item_id, supply_id)
);

COMMENT ON TABLE recipe_ingredients IS 'what one of a menu item takes of a supply, in the supply''s unit';

CREATE INDEX recipe_ingredients_by_supply ON recipe_ingredients (supply_id, amount);
