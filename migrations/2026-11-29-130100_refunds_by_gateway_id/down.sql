DROP INDEX CONCURRENTLY refunds_by_gateway_id;
