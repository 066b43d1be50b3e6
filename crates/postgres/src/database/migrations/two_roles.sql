-- Refuses a role in comanda.server_role that is no other role than the one that migrates, before anything is changed:
-- taking back what that role was granted would take the owner's own privileges.
DO $$
DECLARE
    server  constant text := pg_catalog.current_setting('comanda.server_role');
    here    constant text := pg_catalog.current_schema();
    owned   text;
    hint    constant text := 'there are not two roles (every superuser is a member of all roles); see docs/database-roles.md';
BEGIN
    PERFORM pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
    SELECT c.relname INTO owned
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = here AND c.relkind IN ('r', 'p', 'S')
      AND pg_has_role(c.relowner, 'USAGE') AND pg_has_role(server, c.relowner, 'MEMBER')
      AND NOT EXISTS (SELECT FROM pg_depend d
                      WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
    ORDER BY c.relkind = 'S', c.relname LIMIT 1;
    IF owned IS NOT NULL THEN
        RAISE EXCEPTION 'it owns the table %, or is a member of the role that does: %', owned, hint;
    END IF;
    IF pg_has_role(server, current_user, 'MEMBER') THEN
        RAISE EXCEPTION 'it is the role that migrates, or a member of it: %', hint;
    END IF;
END
$$;
