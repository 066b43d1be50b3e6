-- Lets a statement that writes fewer rows than it was asked to fail by itself: the commit of its transaction can then be
-- sent along with it.
CREATE FUNCTION all_rows(written bigint, asked bigint) RETURNS bigint
    LANGUAGE plpgsql AS $$
BEGIN
    IF written <> asked THEN
        RAISE serialization_failure USING
            MESSAGE = format('%s rows were written, not %s', written, asked),
            CONSTRAINT = 'all_rows';
    END IF;
    RETURN written;
END
$$;
