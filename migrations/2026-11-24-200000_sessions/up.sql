CREATE TABLE sessions (
    id         uuid PRIMARY KEY,
    account_id uuid NOT NULL REFERENCES users,
    opened_at  timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    closed_at  timestamptz
);

CREATE INDEX sessions_of_account ON sessions (account_id) WHERE closed_at IS NULL;
CREATE INDEX sessions_by_close ON sessions (closed_at) WHERE closed_at IS NOT NULL;

CREATE TABLE refresh_tokens (
    hash       bytea PRIMARY KEY CHECK (length(hash) = 32),
    session_id uuid NOT NULL REFERENCES sessions ON DELETE CASCADE,
    issued_at  timestamptz NOT NULL,
    used_at    timestamptz
);

COMMENT ON COLUMN refresh_tokens.hash IS 'SHA-256 of the token, which is random enough to need no salt';
COMMENT ON COLUMN refresh_tokens.used_at IS 'when its successor was issued; coming back later than a moment after, it closes its session';

CREATE INDEX refresh_tokens_of_session ON refresh_tokens (session_id);
