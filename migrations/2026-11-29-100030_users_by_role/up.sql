CREATE INDEX CONCURRENTLY users_by_role ON users (role, id);
