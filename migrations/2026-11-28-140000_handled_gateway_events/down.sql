DROP INDEX handled_gateway_events;
