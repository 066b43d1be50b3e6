-- Events that happened before the horizon may have been deleted, and servers' clocks may differ: an order that is clearly
-- younger has all its events; of an older one, those that are left must be of its versions, and the last one of an order
-- that changed since must be there.
WITH announced AS (
    SELECT subject_id, count(*) AS events, count(DISTINCT subject_version) AS versions, min(subject_version) AS first_version,
           max(subject_version) AS last_version, count(*) FILTER (WHERE kind = 'order.placed') AS placed
    FROM outbox_events GROUP BY subject_id
), horizon AS (
    SELECT deleted_before + interval '1 hour' AS complete_since FROM outbox_horizon
)
SELECT format('order %s: at version %s, but it has %s event(s) for %s version(s), %s of them order.placed',
              o.id, o.version, coalesce(a.events, 0), coalesce(a.versions, 0), coalesce(a.placed, 0)) AS violation
FROM orders o CROSS JOIN horizon h LEFT JOIN announced a ON a.subject_id = o.id
WHERE CASE
    WHEN o.created_at >= h.complete_since
    THEN (a.events, a.versions, a.last_version, a.placed) IS DISTINCT FROM (o.version::bigint, o.version::bigint, o.version, 1::bigint)
    ELSE a.events <> a.versions OR a.last_version > o.version OR (a.placed = 1) <> (a.first_version = 1)
      OR (o.updated_at >= h.complete_since AND a.last_version IS DISTINCT FROM o.version)
END
ORDER BY o.id
LIMIT 100
