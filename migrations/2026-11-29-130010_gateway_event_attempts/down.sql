ALTER TABLE gateway_events DROP COLUMN attempts, DROP COLUMN unknown_kind, DROP COLUMN reader;
