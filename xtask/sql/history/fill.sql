-- What comes with the orders of ../reads/fill.sql, in the same transaction: a payment per order, a refund per cancelled
-- one, their events; the gateway's events, handled; idempotency keys, sessions, mails and their tokens, of which most are
-- old enough to be deleted; the audit log. Every order was paid, so that nothing is overdue.

CREATE TEMP TABLE paid ON COMMIT DROP AS
SELECT p.n, p.id AS order_id, pg_temp.id_of(p.created_at, -p.n) AS id, p.created_at AS at, p.version = 2 AS is_cancelled,
       p.n % 5 < 3 AS is_card, o.total, pg_temp.id_of(now() - interval '61 days', p.customer) AS customer
FROM placed p JOIN orders o ON o.id = p.id;

INSERT INTO payments (id, order_id, amount, refunded, begun_at, updated_at, expires_at, paid_at, reported_at, version, method, status, intent)
SELECT id, order_id, total, CASE WHEN is_cancelled THEN total ELSE 0 END, at, at + interval '1 minute',
       CASE WHEN is_card THEN at + interval '15 minutes' END, at + interval '1 minute', CASE WHEN is_card THEN at END, 2,
       CASE WHEN is_card THEN 'card' ELSE 'counter' END, CASE WHEN is_cancelled THEN 'refunded' ELSE 'succeeded' END,
       CASE WHEN is_card THEN 'pi_fill_' || n END
FROM paid WHERE total > 0 ORDER BY n;

INSERT INTO refunds (id, payment_id, amount, created_at, settled_at, status, reason)
SELECT pg_temp.id_of(at, n), id, total, at + interval '5 minutes', at + interval '6 minutes', 'succeeded', 'fill'
FROM paid WHERE is_cancelled AND total > 0 ORDER BY n;

INSERT INTO outbox_events (kind, subject_id, subject_version, occurred_at, stream_id)
SELECT 'payment.succeeded', id, 2, at + interval '1 minute', order_id FROM paid WHERE total > 0 ORDER BY n;

INSERT INTO gateway_events (id, received_at, handled_at, body, attempts, reader)
SELECT 'evt_fill_' || n, at, at, '{"id": "evt_fill_' || n || '", "type": "payment_intent.succeeded", "padding": "' || repeat(md5(n::text), 16) || '"}', 1, 1
FROM paid WHERE is_card ORDER BY n;

INSERT INTO idempotency_keys (caller_id, order_id, request_fingerprint, recorded_at, key, outcome)
SELECT customer, order_id, id, at, 'fill ' || n, '{"id": "' || id || '"}' FROM paid ORDER BY n;

INSERT INTO audit_log (actor_id, happened_at, action, target)
SELECT customer, at, 'order.cancelled', order_id::text FROM paid WHERE is_cancelled ORDER BY n;

-- In and out again, so that the ledger still balances.
INSERT INTO stock_adjustments (menu_item_id, adjusted_at, delta, reason)
SELECT d.id, p.at, delta, 'fill' FROM paid p JOIN item d ON d.n = p.n % 200 CROSS JOIN unnest(ARRAY[5, -5]) delta
WHERE p.n % 20 = 0 ORDER BY p.n;

INSERT INTO sessions (id, account_id, opened_at, expires_at, closed_at)
SELECT order_id, customer, at, at + interval '30 days', CASE WHEN n % 15 = 0 THEN at + interval '1 hour' END
FROM paid WHERE n % 5 = 0 ORDER BY n;

INSERT INTO refresh_tokens (hash, session_id, issued_at, used_at, is_kept)
SELECT sha256((order_id::text || use)::bytea), order_id, at, CASE use WHEN 1 THEN at + interval '10 minutes' END, false
FROM paid, generate_series(1, 2) use WHERE n % 5 = 0 ORDER BY n;

INSERT INTO mails (id, kind, account_id, email, mailbox, created_at, counted_at, counted_as, attempts)
SELECT order_id, 'order', customer, 'fill@fill.example', 'fill@fill.example', at, at, 'order', 1 FROM paid WHERE n % 5 = 0 ORDER BY n;

INSERT INTO mail_tokens (hash, purpose, account_id, email, expires_at, credentials_version)
SELECT sha256(order_id::text::bytea), 'verification', customer, 'fill@fill.example', at + interval '1 day', 1
FROM paid WHERE n % 10 = 0 ORDER BY n;

-- What is counted besides menu items; brought and taken, so that the ledger still balances.
CREATE TEMP TABLE pantry ON COMMIT DROP AS
SELECT n, pg_temp.id_of(now() - interval '61 days', n) AS id, now() - interval '61 days' AS at FROM generate_series(1, 300) n;

INSERT INTO supplies (id, created_at, updated_at, stock, low_stock_at, unit, name)
SELECT id, at, at, 1000 + n, 100, (ARRAY['piece', 'g', 'ml'])[1 + n % 3], 'Supply ' || n FROM pantry ORDER BY n;

INSERT INTO supply_adjustments (supply_id, adjusted_at, delta, reason)
SELECT id, at, 1000 + n, 'fill' FROM pantry
UNION ALL
SELECT id, at + day * interval '1 day', delta, 'fill' FROM pantry, generate_series(1, 60) day, unnest(ARRAY[50, -50]) delta;
