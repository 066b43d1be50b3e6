CREATE TABLE audit_log (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    actor_id    uuid REFERENCES users,
    happened_at timestamptz NOT NULL,
    action      text NOT NULL,
    target      text NOT NULL,
    reason      text
);

COMMENT ON TABLE audit_log IS 'who did what to whom, when and why';
COMMENT ON COLUMN audit_log.actor_id IS 'null: the server''s operator, on the command line';

CREATE TRIGGER audit_log_is_append_only
    BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_log
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_history();
