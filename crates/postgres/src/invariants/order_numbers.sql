SELECT format('number %s is borne by %s orders', number, count(*)) AS violation
FROM orders GROUP BY number HAVING count(*) > 1 ORDER BY number LIMIT 100
