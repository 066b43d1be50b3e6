-- Addresses are looked up in NFC from now on. Where an address has accounts in both forms, the one in NFC stays the one
-- that is found; of several that are not in NFC, the oldest becomes it.
UPDATE users
SET email = normalize(email, NFC)
WHERE id IN (
    SELECT DISTINCT ON (normalize(email, NFC)) id
    FROM users
    WHERE email IS NOT NFC NORMALIZED
      AND NOT EXISTS (SELECT FROM users composed WHERE composed.email = normalize(users.email, NFC))
    ORDER BY normalize(email, NFC), id
);
