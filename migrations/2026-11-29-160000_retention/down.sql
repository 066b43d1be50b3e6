ALTER TABLE outbox_subscribers DROP COLUMN seen_at;
DROP TABLE outbox_horizon;
DROP TABLE leases;
