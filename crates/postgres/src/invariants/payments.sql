WITH given AS (
    SELECT p.id, least(coalesce(sum(r.amount) FILTER (WHERE r.status <> 'failed'), 0), p.amount) AS decided,
           coalesce(sum(r.amount) FILTER (WHERE r.status = 'succeeded'), 0) AS back,
           -- Less may have come than was asked for. $1 is our currency.
           coalesce((SELECT i.amount FROM payment_incidents i
                     WHERE i.payment_id = p.id AND i.kind = 'mismatch' AND i.reason = 'amount' AND i.currency = $1
                       AND i.amount > 0 AND i.amount < p.amount AND p.paid_at IS NOT NULL), p.amount) AS owed
    FROM payments p LEFT JOIN refunds r ON r.payment_id = p.id
    GROUP BY p.id
)
SELECT format('payment %s: %s is to be given back, its refunds say %s', p.id, p.refunded, g.decided) AS violation
FROM payments p JOIN given g ON g.id = p.id WHERE p.refunded <> g.decided
UNION ALL
SELECT format('payment %s is %s, and %s of %s was given back', p.id, p.status, g.back, g.owed)
FROM payments p JOIN given g ON g.id = p.id
WHERE p.status NOT IN ('pending', 'requires_action', 'failed')
  AND ((p.status = 'refunded') <> (g.back >= g.owed AND g.back > 0)
   OR (p.status = 'partly_refunded') <> (g.back > 0 AND g.back < g.owed AND p.status <> 'cancelled'))
  -- What came for an open payment may have gone back before it was cancelled.
  AND NOT (p.status = 'cancelled' AND g.owed < p.amount AND g.back < p.amount)
UNION ALL
SELECT format('order %s is cancelled, and payment %s is %s', o.id, p.id, p.status)
FROM orders o JOIN payments p ON p.order_id = o.id
WHERE o.status = 'cancelled'
  AND (p.status IN ('pending', 'requires_action', 'failed') OR (p.status IN ('succeeded', 'partly_refunded') AND p.refunded < p.amount
       -- A refund that failed is for staff to look into.
       AND NOT EXISTS (SELECT FROM refunds r WHERE r.payment_id = p.id AND r.status = 'failed')
       -- So is one of which the gateway took or gave back another amount.
       AND NOT EXISTS (SELECT FROM payment_incidents i WHERE i.payment_id = p.id AND i.kind = 'mismatch')))
UNION ALL
SELECT format('payment %s is of %s, order %s costs %s', p.id, p.amount, o.id, o.total)
FROM orders o JOIN payments p ON p.order_id = o.id WHERE p.amount <> o.total
LIMIT 100
