-- Each way in which this session's role could change or remove what the audit log says. Privileges over a table count also
-- when they come with a role that this one may switch to.
WITH audit AS (
    SELECT c.oid, c.relowner, n.nspname, n.nspowner, d.datname, d.datdba
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_database d ON d.datname = current_database()
    WHERE c.oid = 'audit_log'::regclass
), me AS (
    SELECT r.oid, r.rolname, r.rolsuper, r.rolcreaterole FROM pg_roles r WHERE r.rolname = current_user
), ways AS (
    SELECT 1 AS place, 'is a superuser' AS way FROM me WHERE rolsuper
    UNION ALL
    SELECT 2, 'owns the table audit_log' FROM me, audit WHERE relowner = me.oid
    UNION ALL
    SELECT 3, format('is a member of the role %s, which owns the table audit_log', relowner::regrole)
    FROM me, audit WHERE NOT rolsuper AND relowner <> me.oid AND pg_has_role(relowner, 'MEMBER')
    UNION ALL
    SELECT 4, format('owns the schema %s, or is a member of its owner', nspname)
    FROM me, audit WHERE NOT rolsuper AND pg_has_role(nspowner, 'MEMBER')
    UNION ALL
    SELECT 5, format('owns the database %s, or is a member of its owner', datname)
    FROM me, audit WHERE NOT rolsuper AND pg_has_role(datdba, 'MEMBER')
    UNION ALL
    SELECT 6, format('may replace the function %s of a trigger of the table audit_log', t.tgfoid::regprocedure)
    FROM me, audit, pg_trigger t JOIN pg_proc f ON f.oid = t.tgfoid
    WHERE NOT rolsuper AND t.tgrelid = audit.oid AND NOT t.tgisinternal AND pg_has_role(f.proowner, 'MEMBER')
      AND f.proowner <> relowner
    UNION ALL
    SELECT 7, format('has the privilege %s on the table audit_log', privilege)
    FROM me, audit, unnest(ARRAY['UPDATE', 'DELETE', 'TRUNCATE', 'TRIGGER']) AS privilege
    WHERE NOT pg_has_role(relowner, 'MEMBER') AND (
        has_table_privilege(audit.oid, privilege)
        OR privilege = 'UPDATE' AND has_any_column_privilege(audit.oid, privilege)
        OR EXISTS (SELECT FROM pg_roles other
                   WHERE pg_has_role(other.oid, 'MEMBER') AND has_table_privilege(other.oid, audit.oid, privilege))
    )
    UNION ALL
    SELECT 8, format('is a member of the role %s, which can become a superuser', other.rolname)
    FROM me, audit, pg_roles other
    WHERE NOT me.rolsuper AND other.oid <> me.oid AND other.oid <> relowner AND pg_has_role(other.oid, 'MEMBER')
      AND (other.rolsuper OR other.rolname IN ('pg_execute_server_program', 'pg_write_server_files'))
    UNION ALL
    -- Up to PostgreSQL 15 such a role can make itself a member of any role that is no superuser.
    SELECT 9, 'may create roles (CREATEROLE)'
    FROM me WHERE NOT rolsuper AND rolcreaterole AND current_setting('server_version_num')::integer < 160000
)
SELECT format('the role %s %s', quote_ident(me.rolname), way) AS way FROM ways, me ORDER BY place, way
