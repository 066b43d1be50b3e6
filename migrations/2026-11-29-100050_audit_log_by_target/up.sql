CREATE INDEX CONCURRENTLY audit_log_by_target ON audit_log (target, id);
