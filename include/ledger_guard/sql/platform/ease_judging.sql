-- Purpose: let judged_wallets.sql keep its evidence in memory instead of in temporary files, and share its reading with the server's
-- parallel workers where it has any to spare. Nothing outlives the transaction. Parameters: none. Rows: exactly one. Reads no table.
select
    set_config('work_mem', greatest(pg_size_bytes(current_setting('work_mem')) / 1024, 32 * 1024)::text, true),
    set_config('parallel_tuple_cost', least(current_setting('parallel_tuple_cost')::float8, 0.005)::text, true),
    -- compiling a statement this long takes longer than it saves
    set_config('jit', 'off', true)
