DROP FUNCTION folded_for_search(text);
