-- Servers of the previous release leave it alone: a malformed event is marked as handled, too, so they do not take it again.
ALTER TABLE gateway_events ADD COLUMN malformed text;

COMMENT ON COLUMN gateway_events.malformed IS 'why the event cannot be read; somebody has to look at its body';
