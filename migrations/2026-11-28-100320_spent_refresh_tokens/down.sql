DROP INDEX spent_refresh_tokens;
