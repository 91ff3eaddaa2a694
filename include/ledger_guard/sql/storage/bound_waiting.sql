-- Bounds for the rest of the transaction: who waits for a lock here makes others wait behind it, the health check among them.
-- Shorter than the server looks for deadlocks, so that it is this transaction that gives up.
-- Parameters: lock_timeout, statement_timeout (text, with their unit). Rows: one.
select set_config('lock_timeout', %(lock_timeout)s, true), set_config('statement_timeout', %(statement_timeout)s, true)
