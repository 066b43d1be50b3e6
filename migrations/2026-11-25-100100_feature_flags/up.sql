CREATE TABLE feature_flags (
    name       text PRIMARY KEY,
    percentage smallint NOT NULL CHECK (percentage BETWEEN 0 AND 100)
);

COMMENT ON TABLE feature_flags IS 'flags that somebody has set; the others are at their default. Who set them is in audit_log';
