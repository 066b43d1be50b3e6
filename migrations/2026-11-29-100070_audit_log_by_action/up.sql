-- Servers read the newest unlocks again and again.
CREATE INDEX CONCURRENTLY audit_log_by_action ON audit_log (action, id);
