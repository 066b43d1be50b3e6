ALTER TABLE orders DROP COLUMN accepted_on_placement;
DROP TABLE kitchen_tickets;
DROP FUNCTION uuid_v7(timestamptz);
