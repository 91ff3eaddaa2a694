-- Purpose: the platform's number of the transaction that is open. Parameters: none. Rows: exactly one.
select pg_current_xact_id()::text as transaction_id
