DROP INDEX sessions_by_expiry;
