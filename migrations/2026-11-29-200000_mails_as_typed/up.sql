ALTER TABLE mails ADD COLUMN typed text;

COMMENT ON COLUMN mails.typed IS 'the address as it was typed, where that differs: it may be stored so with an account of an earlier release';
