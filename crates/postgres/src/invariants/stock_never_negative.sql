SELECT format('menu item %s (%s): stock is %s', id, name, stock) AS violation
FROM menu_items WHERE stock < 0 ORDER BY id LIMIT 100
