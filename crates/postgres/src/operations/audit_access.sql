-- Each way in which this session's role could change or remove what the audit log says: the role that signed in, and the one
-- that it has become, if that is another. Privileges over a table count also when they come with a role that this one may
-- switch to.
WITH audit AS (
    SELECT c.oid, c.relowner, n.oid AS namespace, n.nspname, n.nspowner, d.oid AS database, d.datname, d.datdba
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_database d ON d.datname = current_database()
    WHERE c.oid = 'audit_log'::regclass
), me AS (
    SELECT r.oid, r.rolname, r.rolsuper, r.rolcreaterole FROM pg_roles r WHERE r.rolname IN (current_user, session_user)
), ways AS (
    SELECT me.rolname, 1 AS place, 'is a superuser' AS way FROM me WHERE rolsuper
    UNION ALL
    SELECT me.rolname, 2, 'owns the table audit_log' FROM me, audit WHERE relowner = me.oid
    UNION ALL
    SELECT me.rolname, 3,
           pg_catalog.format('is a member of the role %s, which owns the table audit_log', relowner::regrole)
    FROM me, audit WHERE NOT rolsuper AND relowner <> me.oid AND pg_has_role(me.oid, relowner, 'MEMBER')
    UNION ALL
    SELECT me.rolname, 4, pg_catalog.format('owns the schema %s, or is a member of its owner', nspname)
    FROM me, audit WHERE NOT rolsuper AND pg_has_role(me.oid, nspowner, 'MEMBER')
    UNION ALL
    SELECT me.rolname, 5, pg_catalog.format('owns the database %s, or is a member of its owner', datname)
    FROM me, audit WHERE NOT rolsuper AND pg_has_role(me.oid, datdba, 'MEMBER')
    UNION ALL
    SELECT me.rolname, 6,
           pg_catalog.format('may replace the function %s of a trigger of the table audit_log', t.tgfoid::regprocedure)
    FROM me, audit, pg_trigger t JOIN pg_proc f ON f.oid = t.tgfoid
    WHERE NOT rolsuper AND t.tgrelid = audit.oid AND NOT t.tgisinternal AND pg_has_role(me.oid, f.proowner, 'MEMBER')
      AND f.proowner <> relowner
    UNION ALL
    SELECT me.rolname, 7, pg_catalog.format('has the privilege %s on the table audit_log', privilege)
    FROM me, audit, unnest(ARRAY['UPDATE', 'DELETE', 'TRUNCATE', 'TRIGGER']) AS privilege
    WHERE NOT pg_has_role(me.oid, relowner, 'MEMBER') AND (
        has_table_privilege(me.oid, audit.oid, privilege)
        OR privilege = 'UPDATE' AND has_any_column_privilege(me.oid, audit.oid, privilege)
        OR EXISTS (SELECT FROM pg_roles other
                   WHERE pg_has_role(me.oid, other.oid, 'MEMBER') AND has_table_privilege(other.oid, audit.oid, privilege))
    )
    UNION ALL
    SELECT me.rolname, 8, pg_catalog.format('is a member of the role %s, which can become a superuser', other.rolname)
    FROM me, audit, pg_roles other
    WHERE NOT me.rolsuper AND other.oid <> me.oid AND other.oid <> relowner AND pg_has_role(me.oid, other.oid, 'MEMBER')
      AND (other.rolsuper OR other.rolname IN ('pg_execute_server_program', 'pg_write_server_files'))
    UNION ALL
    -- Up to PostgreSQL 15 such a role can make itself a member of any role that is no superuser.
    SELECT me.rolname, 9, 'may create roles (CREATEROLE)'
    FROM me WHERE NOT rolsuper AND rolcreaterole AND current_setting('server_version_num')::integer < 160000
    UNION ALL
    -- The owner's statements would find a function of this role in the place of PostgreSQL's own.
    SELECT me.rolname, 10, pg_catalog.format('may create functions in the schema %s (CREATE)', nspname)
    FROM me, audit
    WHERE NOT pg_has_role(me.oid, nspowner, 'MEMBER') AND NOT pg_has_role(me.oid, relowner, 'MEMBER')
      AND EXISTS (SELECT FROM pg_roles other
                  WHERE pg_has_role(me.oid, other.oid, 'MEMBER')
                    AND has_schema_privilege(other.oid, namespace, 'CREATE'))
    UNION ALL
    -- A temporary table of that name takes what the server writes, until the connection ends.
    SELECT me.rolname, 11,
           pg_catalog.format('may hide the table audit_log behind a temporary one in the database %s (TEMPORARY)', datname)
    FROM me, audit
    WHERE NOT pg_has_role(me.oid, datdba, 'MEMBER') AND NOT pg_has_role(me.oid, relowner, 'MEMBER')
      AND EXISTS (SELECT FROM pg_roles other
                  WHERE pg_has_role(me.oid, other.oid, 'MEMBER')
                    AND has_database_privilege(other.oid, database, 'TEMPORARY'))
)
SELECT pg_catalog.format('the role %s %s', quote_ident(rolname), way) AS way FROM ways ORDER BY rolname, place, way
