-- What can be learned of a database by whoever may sign in, and changes nothing.
SELECT
    current_setting('server_version') AS version,
    current_setting('server_version_num')::integer AS version_number,
    current_user::text AS role,
    current_database()::text AS database,
    current_setting('transaction_read_only') = 'on' OR pg_is_in_recovery() AS is_read_only,
    coalesce((SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()), false) AS is_encrypted,
    extract(epoch FROM clock_timestamp())::double precision AS clock,
    (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' OR backend_type IS NULL)
        AS connections,
    current_setting('max_connections')::bigint - current_setting('superuser_reserved_connections')::bigint
        AS connection_limit,
    pg_database_size(current_database()) AS bytes,
    (SELECT setting FROM pg_settings WHERE name = 'data_directory') AS data_folder,
    (SELECT extract(epoch FROM clock_timestamp() - last_archived_time)::double precision FROM pg_stat_archiver)
        AS archived_seconds_ago,
    CASE WHEN current_setting('archive_mode') <> 'off' THEN
        (SELECT coalesce(last_failed_time > coalesce(last_archived_time, '-infinity'), false) FROM pg_stat_archiver)
    END AS archiving_fails,
    ARRAY(
        SELECT format('%s on %s', privilege, c.oid::regclass)
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace,
             LATERAL unnest(CASE
                 WHEN c.relkind = 'S' THEN ARRAY['USAGE', 'SELECT']
                 WHEN c.relname = '__diesel_schema_migrations' THEN ARRAY['SELECT']
                 WHEN EXISTS (SELECT FROM pg_trigger t JOIN pg_proc f ON f.oid = t.tgfoid
                              WHERE t.tgrelid = c.oid AND f.proname = 'refuse_change_of_history')
                     THEN ARRAY['SELECT', 'INSERT']
                 ELSE ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']
             END) AS privilege
        WHERE n.nspname = current_schema() AND c.relkind IN ('r', 'p', 'S')
          AND NOT EXISTS (SELECT FROM pg_depend d
                          WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
          AND NOT CASE WHEN c.relkind = 'S' THEN has_sequence_privilege(c.oid, privilege)
                       ELSE has_table_privilege(c.oid, privilege) END
        ORDER BY 1
    ) AS missing_privileges
