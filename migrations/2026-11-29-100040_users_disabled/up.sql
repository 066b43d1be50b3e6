-- Those that are not disabled are nearly all, in the order of the primary key.
CREATE INDEX CONCURRENTLY users_disabled ON users (id) WHERE disabled;
