DROP FUNCTION keep_referred_rows();
DROP FUNCTION check_changed_reference();
