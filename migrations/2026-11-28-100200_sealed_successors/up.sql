ALTER TABLE refresh_tokens ADD COLUMN sealed_successor bytea;

COMMENT ON COLUMN refresh_tokens.sealed_successor IS
    'the successor, encrypted under the token itself, of which only the hash is here; kept for the moment in which a parallel request may ask for it';
