-- What guards the tables of this schema: how each guard is made, and how it is mended if it is there and guards nothing.
SELECT g.*, quote_ident(current_schema()) AS schema FROM (
SELECT 'trigger' AS kind, c.relname::text AS of_table, t.tgname::text AS name, pg_get_triggerdef(t.oid) AS made_by,
       CASE WHEN t.tgenabled NOT IN ('O', 'A')
            THEN format('ALTER TABLE %s ENABLE TRIGGER %I', c.oid::regclass, t.tgname) END AS mended_by
FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
WHERE c.relnamespace = quote_ident(current_schema())::regnamespace AND NOT t.tgisinternal
UNION ALL
-- PostgreSQL's own triggers check foreign keys.
SELECT 'constraint', c.relname::text, k.conname::text,
       format('ALTER TABLE %s ADD CONSTRAINT %I %s', c.oid::regclass, k.conname, pg_get_constraintdef(k.oid)),
       (SELECT string_agg(format('ALTER TABLE %s ENABLE TRIGGER %I', t.tgrelid::regclass, t.tgname), '; ')
        FROM pg_trigger t WHERE t.tgconstraint = k.oid AND t.tgisinternal AND t.tgenabled NOT IN ('O', 'A'))
FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid
WHERE c.relnamespace = quote_ident(current_schema())::regnamespace AND k.contype IN ('c', 'f', 'p', 'u', 'x')
UNION ALL
SELECT 'index', c.relname::text, i.relname::text, pg_get_indexdef(i.oid),
       CASE WHEN NOT x.indisvalid THEN format('REINDEX INDEX CONCURRENTLY %s', i.oid::regclass) END
FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_class c ON c.oid = x.indrelid
WHERE c.relnamespace = quote_ident(current_schema())::regnamespace
  AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = i.oid AND k.contype IN ('p', 'u', 'x'))
UNION ALL
-- Whoever restores data may turn all triggers off for a database or a role, and forget it.
SELECT 'setting', current_database()::text, 'session_replication_role', '',
       format('ALTER DATABASE %1$I RESET session_replication_role; ALTER ROLE %2$I RESET session_replication_role; '
              'ALTER ROLE %2$I IN DATABASE %1$I RESET session_replication_role', current_database(), session_user)
WHERE current_setting('session_replication_role') = 'replica'
) g
ORDER BY 1, 2, 3
