-- Whether the line took stock, which is given back when its order is cancelled: whatever has become of the menu item
-- meanwhile. Servers of the release before take stock with every line.
ALTER TABLE order_lines ADD COLUMN counted boolean NOT NULL DEFAULT true;

COMMENT ON COLUMN order_lines.counted IS 'whether the line took stock: the menu item was counted when it was ordered';
