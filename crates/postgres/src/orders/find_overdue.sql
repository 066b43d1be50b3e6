-- The order whose open card payment expired first, by payments_by_expiry: the conditions are literals, so that every
-- plan can use it. Several servers that search at once find different orders.
SELECT o.id
FROM payments p JOIN orders o ON o.id = p.order_id
WHERE p.status IN ('pending', 'requires_action', 'failed') AND p.method = 'card' AND p.expires_at < $1
  AND o.status = 'pending' AND o.id <> ALL ($2)
ORDER BY p.expires_at LIMIT 1
FOR NO KEY UPDATE OF o SKIP LOCKED
