-- What a ticket says fits its order, an order is ready once all of its tickets are, and no line is made twice.
SELECT violation FROM (
    SELECT format('ticket %s: %s, but its order %s is %s', t.id, t.state, o.id, o.status) AS violation
    FROM kitchen_tickets t JOIN orders o ON o.id = t.order_id
    WHERE CASE o.status
        WHEN 'pending' THEN true
        WHEN 'accepted' THEN t.state <> 'queued'
        WHEN 'preparing' THEN t.state = 'void'
        WHEN 'cancelled' THEN t.state NOT IN ('ready', 'void')
        ELSE t.state <> 'ready'
    END
    UNION ALL
    SELECT format('order %s: %s, but all of its tickets are ready', o.id, o.status)
    FROM orders o
    WHERE o.status = 'preparing' AND EXISTS (SELECT FROM kitchen_tickets WHERE order_id = o.id)
      AND NOT EXISTS (SELECT FROM kitchen_tickets WHERE order_id = o.id AND state IN ('queued', 'cooking'))
    UNION ALL
    SELECT format('ticket %s: its order %s has no line %s', t.id, t.order_id, n.position)
    FROM kitchen_tickets t CROSS JOIN LATERAL unnest(t.lines) AS n(position)
    LEFT JOIN order_lines l ON l.order_id = t.order_id AND l.position = n.position
    WHERE l.order_id IS NULL
    UNION ALL
    SELECT format('order %s: line %s is on %s tickets', t.order_id, n.position, count(*))
    FROM kitchen_tickets t CROSS JOIN LATERAL unnest(t.lines) AS n(position)
    GROUP BY t.order_id, n.position HAVING count(*) > 1
) found
ORDER BY violation
LIMIT 100
