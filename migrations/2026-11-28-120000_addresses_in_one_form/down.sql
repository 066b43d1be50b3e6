-- Which form an address had is not kept; earlier servers find it in the form it has.
SELECT;
