-- An order that the kitchen has accepted waits for its card payment without a limit. Otherwise every search would look
-- again at every payment that was ever left open. No order goes back to pending.
UPDATE payments SET expires_at = NULL
WHERE id = ANY (ARRAY (
    SELECT p.id
    FROM payments p JOIN orders o ON o.id = p.order_id
    WHERE p.status IN ('pending', 'requires_action', 'failed') AND p.method = 'card' AND p.expires_at < $1
      AND o.status <> 'pending'
    ORDER BY p.expires_at LIMIT 500
    FOR NO KEY UPDATE OF p SKIP LOCKED))
