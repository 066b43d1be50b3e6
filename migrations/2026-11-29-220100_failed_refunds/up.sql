-- What a refund that failed takes back in the books of a day. Few refunds fail.
CREATE INDEX CONCURRENTLY IF NOT EXISTS refunds_by_failure
    ON refunds (failed_at, settled_at) WHERE failed_at IS NOT NULL;
