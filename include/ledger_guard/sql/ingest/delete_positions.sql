-- Drop the positions of followed logs that were not seen since.
-- Parameters: before (timestamptz). Returns no rows.
delete from ledger_guard.followed_log where seen_at < %(before)s
