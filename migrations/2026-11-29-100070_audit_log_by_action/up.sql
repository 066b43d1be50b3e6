-- Servers read the newest unlocks again and again.
CREATE INDEX CONCURRENTLY IF NOT EXISTS audit_log_by_action ON audit_log (action, id);
