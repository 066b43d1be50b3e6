ALTER TABLE gateway_events DROP COLUMN malformed;
