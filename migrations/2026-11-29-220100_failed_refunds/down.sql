DROP INDEX CONCURRENTLY refunds_by_failure;
