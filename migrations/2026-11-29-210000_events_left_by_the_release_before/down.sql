DROP TRIGGER leave_gateway_event ON gateway_events;
DROP FUNCTION leave_gateway_event();
