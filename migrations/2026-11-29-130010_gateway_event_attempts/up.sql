-- Servers of the previous release leave these columns alone.
ALTER TABLE gateway_events
    ADD COLUMN attempts     integer NOT NULL DEFAULT 0,
    ADD COLUMN unknown_kind text,
    ADD COLUMN reader       smallint;

COMMENT ON COLUMN gateway_events.attempts IS 'how often a server has begun to handle it; the pauses grow with it';
COMMENT ON COLUMN gateway_events.unknown_kind IS 'its kind, if the server that looked at it does not know it; a server that knows it handles it';
COMMENT ON COLUMN gateway_events.reader IS 'what the server that handled it understands of events; null: one of the release before, which writes nothing here';
