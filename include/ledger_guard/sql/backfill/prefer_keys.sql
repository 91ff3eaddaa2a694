-- Purpose: for the rest of the transaction, look every row of a batch up by its key. The planner can't know how few rows of
-- a large tenant a batch has; once it reads the whole table for each batch, force never ends. Parameters: none.
select set_config('enable_hashjoin', 'off', true), set_config('enable_mergejoin', 'off', true),
    set_config('enable_seqscan', 'off', true)
