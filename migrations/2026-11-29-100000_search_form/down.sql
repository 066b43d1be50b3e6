DROP FUNCTION search_form(text);
