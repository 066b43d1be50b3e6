COMMENT ON COLUMN stock_adjustments.adjusted_by IS 'null: the server''s operator, by an import';
COMMENT ON TABLE stock_adjustments IS 'the stock ledger: stock = sum of adjustments - sum of lines of orders that hold stock';
-- What was not counted is counted from now on, by the number that is there.
ALTER TABLE menu_items DROP COLUMN counted;
