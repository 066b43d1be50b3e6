-- Those that are not disabled are nearly all, in the order of the primary key.
CREATE INDEX CONCURRENTLY IF NOT EXISTS users_disabled ON users (id) WHERE disabled;
