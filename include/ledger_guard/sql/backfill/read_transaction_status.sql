-- Purpose: what became of a transaction of the platform's. Parameters: transaction_id (text, as read_transaction_id gave it).
-- Rows: exactly one; status is committed, aborted or in progress, null when the platform no longer knows.
select pg_xact_status(%(transaction_id)s::xid8) as status
