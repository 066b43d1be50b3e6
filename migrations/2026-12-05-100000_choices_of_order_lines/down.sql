-- Without the columns, no line takes anything of a supply. The ledger is brought to the stock that is there.
INSERT INTO supply_adjustments (supply_id, adjusted_at, delta, reason)
SELECT t.key::uuid, now(), -sum(t.value::bigint), 'what orders took'
FROM orders o JOIN order_lines l ON l.order_id = o.id CROSS JOIN LATERAL jsonb_each_text(l.taken) t
WHERE o.status <> 'cancelled'
GROUP BY t.key
HAVING sum(t.value::bigint) <> 0;

COMMENT ON TABLE supply_adjustments IS 'the ledger of supplies: stock = sum of adjustments';

-- Nor does anything cost more than the menu item, so what was chosen is part of its price.
UPDATE order_lines SET unit_price = unit_price + extras WHERE extras <> 0;

ALTER TABLE order_lines DROP COLUMN selections, DROP COLUMN taken, DROP COLUMN extras;
