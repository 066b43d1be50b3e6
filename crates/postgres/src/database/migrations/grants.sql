-- What a server needs of what the current role owns, and no more, for the role in comanda.server_role. It may be repeated.
DO $$
DECLARE
    server   constant text := pg_catalog.current_setting('comanda.server_role');
    here     constant text := pg_catalog.current_schema();
    relation record;
BEGIN
    -- Nothing that others may have made in the schema is mistaken for PostgreSQL's own. Only until this script ends.
    PERFORM pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);

    -- Both are usually everybody's already.
    IF NOT has_database_privilege(server, current_database(), 'CONNECT') THEN
        EXECUTE format('GRANT CONNECT ON DATABASE %I TO %I', current_database(), server);
    END IF;
    IF NOT has_schema_privilege(server, here, 'USAGE') THEN
        EXECUTE format('GRANT USAGE ON SCHEMA %I TO %I', here, server);
    END IF;

    FOR relation IN
        SELECT c.oid::regclass AS name, c.relkind = 'S' AS is_sequence,
               c.relname = '__diesel_schema_migrations' AS is_history,
               -- As the migrations mark it, whatever table it is.
               EXISTS (SELECT FROM pg_trigger t JOIN pg_proc f ON f.oid = t.tgfoid
                       WHERE t.tgrelid = c.oid AND f.proname = 'refuse_change_of_history') AS is_append_only
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname = here AND c.relkind IN ('r', 'p', 'S')
          AND pg_has_role(c.relowner, 'USAGE')
          AND NOT EXISTS (SELECT FROM pg_depend d
                          WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
    LOOP
        IF relation.is_sequence THEN
            EXECUTE format('REVOKE ALL ON SEQUENCE %s FROM %I', relation.name, server);
            EXECUTE format('GRANT USAGE, SELECT ON SEQUENCE %s TO %I', relation.name, server);
        ELSE
            EXECUTE format('REVOKE ALL ON TABLE %s FROM %I', relation.name, server);
            EXECUTE format('GRANT %s ON TABLE %s TO %I',
                CASE
                    WHEN relation.is_history THEN 'SELECT'
                    WHEN relation.is_append_only THEN 'SELECT, INSERT'
                    ELSE 'SELECT, INSERT, UPDATE, DELETE'
                END,
                relation.name, server);
        END IF;
    END LOOP;

    -- Running servers meet a later migration's tables, by its triggers for instance, a moment before this script runs again.
    EXECUTE format('ALTER DEFAULT PRIVILEGES IN SCHEMA %I GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO %I',
        here, server);
    EXECUTE format('ALTER DEFAULT PRIVILEGES IN SCHEMA %I GRANT USAGE, SELECT ON SEQUENCES TO %I',
        here, server);
END
$$;
