-- Purpose: stands for ledger_movements.sql where the platform has no ledger table. Rows: none.
select
    null::text as tenant_id, null::text as player_id, null::text as tx_id, null::timestamp as booked_at,
    null::boolean as is_own_currency, null::text as moves, null::text as step, null::float8 as cents,
    null::float8 as available, null::float8 as held, null::boolean as is_readable, null::boolean as is_of_player
where false
