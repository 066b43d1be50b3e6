-- The stations of a kitchen, and the categories that go to them. Staff write them now and then. Servers of the release
-- before know neither table.
CREATE TABLE kitchen_stations (
    id          uuid PRIMARY KEY,
    created_at  timestamptz NOT NULL,
    updated_at  timestamptz NOT NULL,
    archived_at timestamptz,
    revision    integer NOT NULL DEFAULT 1 CHECK (revision >= 1),
    position    integer NOT NULL CHECK (position >= 0),
    name        text NOT NULL
);

COMMENT ON COLUMN kitchen_stations.revision IS 'raised by every change: what an ETag shows';
COMMENT ON COLUMN kitchen_stations.position IS 'where it stands among the others; several may have the same';
COMMENT ON COLUMN kitchen_stations.archived_at IS 'its tickets stay; no menu item and no category goes to it any more';

CREATE INDEX kitchen_stations_by_position ON kitchen_stations (position, name, id) WHERE archived_at IS NULL;

CREATE TABLE kitchen_station_categories (
    form       text NOT NULL,
    station_id uuid NOT NULL REFERENCES kitchen_stations,
    position   integer NOT NULL,
    category   text NOT NULL,
    CONSTRAINT category_goes_to_one_station PRIMARY KEY (form),
    CONSTRAINT kitchen_station_categories_form CHECK (form = name_form(category))
);

COMMENT ON COLUMN kitchen_station_categories.form IS 'the category as names are compared';
COMMENT ON COLUMN kitchen_station_categories.category IS 'as staff wrote it';

CREATE INDEX kitchen_station_categories_by_station ON kitchen_station_categories (station_id);
