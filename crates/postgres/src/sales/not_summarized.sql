WITH
-- What is not summarized yet: the events of one history of the database after ($1, $2), of transactions before $3, with
-- ids after $4 and up to $5; and all later ones.
fresh AS NOT MATERIALIZED (
    SELECT kind, subject_id, subject_version FROM outbox_events
    WHERE (transaction_id, id) > ($1, $2) AND transaction_id < $3 AND id > $4 AND id <= $5
    UNION ALL
    SELECT kind, subject_id, subject_version FROM outbox_events WHERE id > $5
), changed AS NOT MATERIALIZED (
    -- A placement counts; the cancellation, which is an order's last version, takes it back.
    SELECT o.id, o.created_at, o.total, CASE v.kind WHEN 'order.placed' THEN 1 ELSE -1 END AS sign
    FROM fresh v JOIN orders o ON o.id = v.subject_id
    WHERE v.kind = 'order.placed'
       OR (v.kind = 'order.status_changed' AND o.status = 'cancelled' AND o.version = v.subject_version)
),
