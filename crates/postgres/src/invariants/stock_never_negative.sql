SELECT format('menu item %s (%s): stock is %s', id, name, stock) AS violation
FROM menu_items WHERE stock < 0
UNION ALL
SELECT format('supply %s (%s): stock is %s', id, name, stock)
FROM supplies WHERE stock < 0
ORDER BY violation LIMIT 100
