DROP FUNCTION all_rows(bigint, bigint);
