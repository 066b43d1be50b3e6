DROP INDEX CONCURRENTLY refunds_that_failed;
