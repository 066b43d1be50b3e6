-- PostgreSQL checks a foreign key once per row. Tables that whole batches are written to have each of their references
-- checked once per statement instead, by triggers that refuse what the foreign keys refused, with the same error: the
-- statement's own function looks for the rows referred to, and locks them as a foreign key does. These two do the rest.
-- Whoever writes to the tables needs the rights to read and to lock what they refer to.

-- Whoever may create temporary tables cannot put one in the place of a real one: theirs are looked for last.
SELECT set_config('search_path', format('%I, pg_temp', current_schema()), true);

-- A reference was changed. Arguments: the column, the table that it refers to.
CREATE FUNCTION check_changed_reference() RETURNS trigger
    LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    referring text := TG_ARGV[0];
    referred text := TG_ARGV[1];
    key uuid;
    is_there boolean;
BEGIN
    EXECUTE format('SELECT ($1).%I', referring) INTO key USING NEW;
    EXECUTE format('SELECT true FROM %I WHERE id = $1 FOR KEY SHARE', referred) INTO is_there USING key;
    IF is_there IS NULL THEN
        RAISE foreign_key_violation USING
            MESSAGE = format('insert or update on table "%s" violates foreign key constraint "%1$s_%s_fkey"', TG_TABLE_NAME, referring),
            DETAIL = format('Key (%s)=(%s) is not present in table "%s".', referring, key, referred),
            SCHEMA = TG_TABLE_SCHEMA, TABLE = TG_TABLE_NAME, CONSTRAINT = format('%s_%s_fkey', TG_TABLE_NAME, referring);
    END IF;
    RETURN NULL;
END
$$;

-- Rows that others refer to are gone, or have other ids. Arguments: the table that refers to them, and its column.
-- Deleted rows are those of the transition table `removed`.
CREATE FUNCTION keep_referred_rows() RETURNS trigger
    LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    referring_table text := TG_ARGV[0];
    referring text := TG_ARGV[1];
    -- A row that was removed may have been replaced.
    lost text := format('SELECT r.id FROM %%s r WHERE EXISTS (SELECT FROM %I c WHERE c.%I = r.id)
                         AND NOT EXISTS (SELECT FROM %I p WHERE p.id = r.id) LIMIT 1',
                        referring_table, referring, TG_TABLE_NAME);
    key uuid;
BEGIN
    IF current_setting('transaction_isolation') NOT IN ('read committed', 'read uncommitted') THEN
        -- A trigger sees what its transaction sees: not the references that were committed since it began.
        RAISE object_not_in_prerequisite_state USING
            MESSAGE = format('rows that "%s" refers to can be removed only at the isolation level READ COMMITTED', referring_table),
            SCHEMA = TG_TABLE_SCHEMA, TABLE = TG_TABLE_NAME;
    ELSIF TG_OP = 'TRUNCATE' THEN
        EXECUTE format('SELECT %I FROM %I LIMIT 1', referring, referring_table) INTO key;
        IF key IS NOT NULL THEN
            RAISE feature_not_supported USING
                MESSAGE = format('cannot truncate a table that rows of "%s" refer to', referring_table),
                SCHEMA = TG_TABLE_SCHEMA, TABLE = TG_TABLE_NAME;
        END IF;
    ELSIF TG_OP = 'DELETE' THEN
        EXECUTE format(lost, 'removed') INTO key;
    ELSE
        EXECUTE format(lost, '(SELECT $1 AS id)') INTO key USING OLD.id;
    END IF;
    IF key IS NOT NULL THEN
        RAISE foreign_key_violation USING
            MESSAGE = format('update or delete on table "%s" violates foreign key constraint "%s_%s_fkey" on table "%2$s"',
                             TG_TABLE_NAME, referring_table, referring),
            DETAIL = format('Key (id)=(%s) is still referenced from table "%s".', key, referring_table),
            SCHEMA = TG_TABLE_SCHEMA, TABLE = referring_table, CONSTRAINT = format('%s_%s_fkey', referring_table, referring);
    END IF;
    RETURN NULL;
END
$$;
