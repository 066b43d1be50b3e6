-- An operator asks how many there are, however many there ever were.
CREATE INDEX CONCURRENTLY IF NOT EXISTS refunds_that_failed ON refunds (id) WHERE status = 'failed';
