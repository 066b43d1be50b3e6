-- In a migration of its own. The one before locks menu items against writes for its foreign keys; a batch of orders that
-- begins meanwhile has read its menu items and waits to write to them, and this would wait for that batch.
ALTER TABLE menu_items ADD COLUMN allergens text[] NOT NULL DEFAULT '{}';

COMMENT ON COLUMN menu_items.allergens IS 'what must be declared of it, whatever is chosen with it';
