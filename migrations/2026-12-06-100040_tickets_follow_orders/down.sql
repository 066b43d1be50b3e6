DROP TRIGGER tickets_follow_their_order ON orders;
DROP FUNCTION settle_tickets();
