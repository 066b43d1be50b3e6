DROP INDEX sessions_by_closing;
