-- Looks at the next $4 events of a subscriber ($1) after ($2, $3) that are due again, and takes those of kinds in $5 that
-- no earlier one of their stream holds up. What one holds up that is not due itself is due with that one.
WITH looked_at AS MATERIALIZED (
    SELECT id, event_id, stream_id, next_at
    FROM outbox_retries
    WHERE subscriber = $1 AND NOT is_dead AND next_at <= now() AND (next_at, id) > ($2, $3)
      AND (taken_until IS NULL OR taken_until < now())
    ORDER BY next_at, id
    LIMIT $4
    FOR UPDATE SKIP LOCKED
), placed AS MATERIALIZED (
    SELECT l.id, first.id = l.id AS is_first, first.next_at AS first_at,
           (SELECT e.kind = ANY ($5) FROM outbox_events e WHERE e.id = l.event_id) AS is_known
    FROM looked_at l CROSS JOIN LATERAL (
        SELECT r.id, r.next_at FROM outbox_retries r
        WHERE r.subscriber = $1 AND r.stream_id = l.stream_id AND NOT r.is_dead
        ORDER BY r.id LIMIT 1
    ) first
), held AS (
    UPDATE outbox_retries r SET next_at = p.first_at
    FROM placed p
    WHERE p.first_at > now() AND r.id = p.id AND r.id = ANY (ARRAY (SELECT id FROM placed WHERE first_at > now()))
), due AS (
    UPDATE outbox_retries SET taken_until = now() + interval '30 seconds'
    WHERE id = ANY (ARRAY (SELECT id FROM placed WHERE is_first AND is_known))
    RETURNING id
)
SELECT last.next_at, last.id, looked_at.rows, ARRAY (SELECT id FROM due) AS due
FROM (SELECT count(*) AS rows FROM looked_at) looked_at
CROSS JOIN (
    SELECT next_at, id FROM looked_at UNION ALL SELECT $2, $3 ORDER BY next_at DESC, id DESC LIMIT 1
) last
