-- Let one transaction at a time write a flag in a store that has no compare-and-set of its own; kept until the transaction ends.
-- Parameters: flag. Rows: one, without meaning. Index relied on: none.
select pg_advisory_xact_lock(hashtextextended('ledger_guard.flag_writer ' || %(flag)s::text, 0))
