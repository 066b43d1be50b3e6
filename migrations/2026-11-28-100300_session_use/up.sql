ALTER TABLE sessions
    ADD COLUMN client text,
    ADD COLUMN network text,
    ADD COLUMN last_used_at timestamptz,
    ADD COLUMN idle_at timestamptz;

COMMENT ON COLUMN sessions.client IS 'what the client calls itself (User-Agent)';
COMMENT ON COLUMN sessions.network IS 'where it was opened: /24 of an IPv4 address, /48 of an IPv6 address';
COMMENT ON COLUMN sessions.last_used_at IS 'when it was last continued; null as long as it was not';
COMMENT ON COLUMN sessions.idle_at IS 'when it ends unless it is used before; null for sessions that are continued with refresh tokens';
