-- A transaction that has been idle for a second is nobody's work in progress: batches idle for microseconds. A role sees
-- its own sessions only, unless it may read everybody's (pg_read_all_stats); `comanda check` says so.
SELECT format('connection %s (%s) has been %s since %s', pid, application_name, state, state_change) AS violation
FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()
  AND state LIKE 'idle in transaction%' AND state_change < clock_timestamp() - interval '1 second'
LIMIT 100
