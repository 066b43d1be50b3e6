-- What lines say of their selections. One that is no selection is passed over: it must stop no report of the others.
CREATE FUNCTION chosen_options(selections jsonb) RETURNS TABLE (option_id uuid, quantity bigint, unit_price bigint)
    LANGUAGE sql IMMUTABLE AS $$
SELECT (s ->> 'o')::uuid, (s -> 'q')::bigint, (s -> 'p')::bigint
FROM jsonb_path_query(selections, 'lax $[*] ? (@.o like_regex "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"
                                               && @.q >= 1 && @.q <= 100 && @.p >= 0 && @.p <= 100000000)', '{}', true) s
$$;

CREATE TABLE option_sales_by_day (
    day          timestamptz,
    menu_item_id uuid REFERENCES menu_items,
    option_id    uuid,
    quantity     bigint NOT NULL,
    revenue      numeric NOT NULL,
    PRIMARY KEY (day, menu_item_id, option_id)
) WITH (fillfactor = 70);

COMMENT ON TABLE option_sales_by_day IS 'what was chosen with menu items, in days of UTC; a part of item_sales_by_day';
