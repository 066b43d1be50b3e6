DROP TRIGGER note_session_closing ON sessions;
DROP FUNCTION note_session_closing();
ALTER TABLE sessions DROP COLUMN closing_transaction_id;
