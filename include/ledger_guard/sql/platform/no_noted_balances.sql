-- Purpose: stands for noted_balances.sql where the policy names no table of transactions. Rows: none.
select
    null::bigint as player_number, null::text as transaction_id, null::timestamp as noted_at,
    null::boolean as holds_held, null::float8 as balance_before
where false
