ALTER TABLE refresh_tokens DROP COLUMN sealed_successor, DROP COLUMN is_kept;
