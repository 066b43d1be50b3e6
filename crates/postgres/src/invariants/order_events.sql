WITH announced AS (
    SELECT subject_id, count(*) AS events, count(DISTINCT subject_version) AS versions, max(subject_version) AS last_version,
           count(*) FILTER (WHERE kind = 'order.placed') AS placed
    FROM outbox_events GROUP BY subject_id
)
SELECT format('order %s: at version %s, but it has %s event(s) for %s version(s), %s of them order.placed',
              o.id, o.version, coalesce(a.events, 0), coalesce(a.versions, 0), coalesce(a.placed, 0)) AS violation
FROM orders o LEFT JOIN announced a ON a.subject_id = o.id
WHERE (a.events, a.versions, a.last_version, a.placed) IS DISTINCT FROM (o.version::bigint, o.version::bigint, o.version, 1::bigint)
ORDER BY o.id
LIMIT 100
