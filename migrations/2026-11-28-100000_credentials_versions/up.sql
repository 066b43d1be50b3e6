ALTER TABLE users ADD COLUMN credentials_version bigint NOT NULL DEFAULT 1;

COMMENT ON COLUMN users.credentials_version IS 'raised with every change of the password, the role or disabled; a sign-in that read an older one is refused';
