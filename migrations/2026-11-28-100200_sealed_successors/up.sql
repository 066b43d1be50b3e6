ALTER TABLE refresh_tokens
    ADD COLUMN sealed_successor bytea,
    -- Of tokens of the release before, only the rows tell whose they are.
    ADD COLUMN is_kept boolean NOT NULL DEFAULT true;

COMMENT ON COLUMN refresh_tokens.sealed_successor IS
    'the successor, encrypted under the token itself, of which only the hash is here; kept for the moment in which a parallel request may ask for it';
COMMENT ON COLUMN refresh_tokens.is_kept IS
    'whether the row is kept after its use, as long as the session: the token does not say its session itself';
