ALTER TABLE order_lines DROP CONSTRAINT order_lines_extras_check;
ALTER TABLE order_lines ADD CONSTRAINT order_lines_extras_check CHECK (extras >= 0) NOT VALID;
