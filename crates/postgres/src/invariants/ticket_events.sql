-- As with orders: events that happened before the horizon may have been deleted.
WITH announced AS (
    SELECT subject_id, count(*) AS events, count(DISTINCT subject_version) AS versions, max(subject_version) AS last_version
    FROM outbox_events WHERE kind = 'ticket.changed' GROUP BY subject_id
), horizon AS (
    SELECT deleted_before + interval '1 hour' AS complete_since FROM outbox_horizon
)
SELECT format('ticket %s: at version %s, but it has %s event(s) for %s version(s)',
              t.id, t.version, coalesce(a.events, 0), coalesce(a.versions, 0)) AS violation
FROM kitchen_tickets t CROSS JOIN horizon h LEFT JOIN announced a ON a.subject_id = t.id
WHERE CASE
    WHEN t.created_at >= h.complete_since
    THEN (a.events, a.versions, a.last_version) IS DISTINCT FROM (t.version::bigint, t.version::bigint, t.version)
    ELSE a.events <> a.versions OR a.last_version > t.version
      OR (t.updated_at >= h.complete_since AND a.last_version IS DISTINCT FROM t.version)
END
ORDER BY t.id
LIMIT 100
