-- Every server looks for newly closed sessions twice a second.
CREATE INDEX CONCURRENTLY IF NOT EXISTS sessions_by_closing ON sessions (closing_transaction_id) WHERE closing_transaction_id IS NOT NULL;
