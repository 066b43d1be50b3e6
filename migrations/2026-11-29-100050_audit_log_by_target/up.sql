CREATE INDEX CONCURRENTLY IF NOT EXISTS audit_log_by_target ON audit_log (target, id);
