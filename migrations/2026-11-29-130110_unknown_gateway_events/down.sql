DROP INDEX CONCURRENTLY unknown_gateway_events;
