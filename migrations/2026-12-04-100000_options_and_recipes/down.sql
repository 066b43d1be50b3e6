DROP TABLE recipe_ingredients;
DROP TABLE menu_item_option_prices;
DROP TABLE menu_item_option_groups;
DROP TABLE menu_options;
DROP TABLE option_groups;
