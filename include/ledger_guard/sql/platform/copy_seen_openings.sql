-- Purpose: take in, over the copy protocol, what a tenant's players held before the ledger as the guard saw it first.
-- Parameters: none. Rows: none; amounts in cents.
copy seen_opening (player_id, available, held) from stdin
