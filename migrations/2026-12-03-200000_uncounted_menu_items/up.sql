-- A menu item that is not counted has no stock. Servers of the release before know nothing of that, and read every
-- stock as a number: so its column is a million, of which they can sell, and its low-stock threshold is zero. Once they
-- are gone, the number means nothing, and a later release may take it away.
ALTER TABLE menu_items ADD COLUMN counted boolean NOT NULL DEFAULT true;

COMMENT ON COLUMN menu_items.counted IS 'false: not counted, always in stock; stock and low_stock_at are for servers of the release before';
COMMENT ON TABLE stock_adjustments IS 'the stock ledger of what is counted: stock = sum of adjustments - sum of counted lines of orders that hold stock';
COMMENT ON COLUMN stock_adjustments.adjusted_by IS 'null: the server''s operator, by an import, or the server, for an order that was cancelled';
