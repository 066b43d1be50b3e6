CREATE TABLE users (
    id            uuid PRIMARY KEY,
    email         text NOT NULL UNIQUE,
    name          text NOT NULL,
    role          text NOT NULL CHECK (role IN ('customer', 'staff', 'admin')),
    disabled      boolean NOT NULL DEFAULT false,
    password_hash text NOT NULL,
    created_at    timestamptz NOT NULL
);

COMMENT ON COLUMN users.email IS 'lower case, so that it is unique whatever the case';
COMMENT ON COLUMN users.password_hash IS 'PHC string';
