ALTER TABLE users ADD COLUMN email_verified_at timestamptz;

COMMENT ON COLUMN users.email_verified_at IS
    'when a token that was mailed to the address came back; null: nobody has shown that the address is theirs, and it gets no other mail';

CREATE TABLE mails (
    id          uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    kind        text NOT NULL CHECK (kind IN ('verification', 'password-reset', 'password-changed', 'admin-appointed', 'order')),
    account_id  uuid REFERENCES users ON DELETE CASCADE,
    email       text NOT NULL,
    mailbox     text NOT NULL,
    created_at  timestamptz NOT NULL,
    counted_at  timestamptz,
    counted_as  text,
    next_at     timestamptz,
    attempts    integer NOT NULL DEFAULT 0,
    event_id    bigint UNIQUE,
    request_key text,
    UNIQUE (account_id, request_key)
);

COMMENT ON TABLE mails IS 'mails to be sent to accounts, and those of the last hours, order mails included, which the limits count';
COMMENT ON COLUMN mails.account_id IS 'null: a password reset, whose account is looked up when it is sent, so that a request does the same for every address';
COMMENT ON COLUMN mails.mailbox IS 'the address without what makes no difference to its mailbox; the limits are per mailbox';
COMMENT ON COLUMN mails.counted_at IS 'when the limits admitted it; null: not yet, or not at all';
COMMENT ON COLUMN mails.counted_as IS 'the kind of mail that the limits admitted, which is what is sent; an unverified address that asks for a reset gets a verification';
COMMENT ON COLUMN mails.next_at IS 'when to send it, or to try again; null: it is sent, was not admitted, or was given up';

CREATE INDEX mails_due ON mails (next_at) WHERE next_at IS NOT NULL;
CREATE INDEX mails_of_mailbox ON mails (mailbox, created_at);
CREATE INDEX mails_by_age ON mails (created_at);

CREATE TABLE mail_tokens (
    hash       bytea PRIMARY KEY CHECK (length(hash) = 32),
    purpose    text NOT NULL CHECK (purpose IN ('verification', 'password-reset')),
    account_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    email      text NOT NULL,
    expires_at timestamptz NOT NULL,
    credentials_version bigint NOT NULL,
    spent_at   timestamptz,
    unlock_due boolean NOT NULL DEFAULT false
);

COMMENT ON COLUMN mail_tokens.hash IS 'SHA-256 of the token, which is random enough to need no salt; the token itself is made when the mail is sent, and stored nowhere';
COMMENT ON COLUMN mail_tokens.credentials_version IS 'the account''s when the mail was sent; a reset counts only while it is the same';
COMMENT ON COLUMN mail_tokens.unlock_due IS 'it has reset a password, and the lock of the address is still to be lifted';

CREATE INDEX mail_tokens_of_account ON mail_tokens (account_id);
CREATE INDEX mail_tokens_by_expiry ON mail_tokens (expires_at);
CREATE INDEX mail_tokens_unlock_due ON mail_tokens (email) WHERE unlock_due;
