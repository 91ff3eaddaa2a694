-- Bound what follows in this transaction. Parameters: milliseconds (text). Rows: one.
select set_config('statement_timeout', :milliseconds, true)
