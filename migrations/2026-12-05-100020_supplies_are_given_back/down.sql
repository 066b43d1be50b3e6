DROP TRIGGER supplies_are_given_back ON orders;
DROP FUNCTION refuse_to_keep_supplies();
